package comptoir.conformance;

/** Where the server is and who calls it, from the system properties {@code comptoir.*}. */
final class Settings {
    final String url = property("url");
    final String token = property("token");
    final String clientId = property("clientId");
    final String clientSecret = property("clientSecret");
    final String customer = property("customer");
    final String companyName = property("companyName");
    final String country = property("country");
    final String product = property("product");
    final String plan = property("plan");

    private static String property(String name) {
        String value = System.getProperty("comptoir." + name);
        if (value == null) {
            throw new IllegalArgumentException("the system property comptoir." + name + " is missing");
        }
        return value;
    }
}
