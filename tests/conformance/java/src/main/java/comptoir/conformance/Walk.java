package comptoir.conformance;

import org.joda.time.DateTime;

import com.microsoft.store.partnercenter.AuthenticationToken;
import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.PartnerService;
import com.microsoft.store.partnercenter.extensions.PartnerCredentials;

/** A partner's way from a token to the end of a subscription and to its cost, through the official SDK. */
public final class Walk {
    private static final String GRAPH = "https://graph.windows.net";

    private Walk() {
    }

    /** Exits with 1 if a step failed. */
    public static void main(String[] arguments) {
        Settings settings = new Settings();
        Steps steps = new Steps();
        PartnerService.getInstance().setApiRootUrl(settings.url);
        steps.step("token.by_application_credentials", () -> {
            IPartner partner = byApplication(settings);
            Steps.check(partner.getCustomers().get().getTotalCount() > 0, "sees no customers");
        });
        IPartner partner = byUser(settings);
        new Customers(partner, settings, steps).walk();
        Catalogue catalogue = new Catalogue(partner, settings, steps);
        catalogue.walk();
        Purchase purchase = new Purchase(partner, settings, steps, catalogue);
        purchase.walk();
        new LifeCycle(partner, settings, steps, catalogue, purchase).walk();
        new Invoices(partner, steps).walk();
        System.exit(steps.allPassed() ? 0 : 1);
    }

    /** The domain "adfs" makes the token library ask the authority itself, not the public cloud. */
    private static IPartner byApplication(Settings settings) {
        return PartnerService.getInstance().createPartnerOperations(
            PartnerCredentials.getInstance().generateByApplicationCredentials(
                settings.clientId, settings.clientSecret, "adfs", settings.url, GRAPH));
    }

    private static IPartner byUser(Settings settings) {
        AuthenticationToken token = new AuthenticationToken(settings.token, DateTime.now().plusMinutes(50));
        return PartnerService.getInstance().createPartnerOperations(
            PartnerCredentials.getInstance().generateByUserCredentials(settings.clientId, token, null));
    }
}
