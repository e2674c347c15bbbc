package comptoir.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import com.microsoft.store.partnercenter.exception.PartnerException;
import com.microsoft.store.partnercenter.models.ResourceCollection;

/** Runs the steps of a walk and prints one line for each: {@code ok <step>} or {@code FAIL <step> <reason>}. */
final class Steps {
    /** What a step does; it throws if something is not as it should be. */
    interface Step {
        void run() throws Exception;
    }

    private int failures;

    /** A step that fails does not end the walk: the next ones tell how much of it still works. */
    void step(String name, Step step) {
        try {
            step.run();
            System.out.println("ok " + name);
        } catch (Exception | AssertionError problem) {
            failures++;
            System.out.println("FAIL " + name + " " + reason(problem).replaceAll("\\s+", " "));
        }
    }

    private static String reason(Throwable problem) {
        if (problem instanceof PartnerException && ((PartnerException) problem).getServiceErrorPayload() != null) {
            return ((PartnerException) problem).getServiceErrorPayload().toString();
        }
        return String.valueOf(problem);
    }

    /** A step that the server must refuse with this code, read by the SDK from the fault. */
    void refused(String name, String code, Step step) {
        step(name, () -> {
            try {
                step.run();
            } catch (PartnerException refusal) {
                if (refusal.getServiceErrorPayload() == null) {
                    throw refusal;
                }
                same(code, refusal.getServiceErrorPayload().getErrorCode());
                return;
            }
            throw new AssertionError("was not refused");
        });
    }

    boolean allPassed() {
        return failures == 0;
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    static void same(Object expected, Object found) {
        check(Objects.equals(expected, found), "expected " + expected + ", found " + found);
    }

    static <T> List<T> items(ResourceCollection<T> collection) {
        List<T> items = new ArrayList<>();
        collection.getItems().forEach(items::add);
        return items;
    }

    static <T> T only(ResourceCollection<T> collection) {
        List<T> items = items(collection);
        same(1, items.size());
        return items.get(0);
    }

    /** A value that an earlier step should have found. */
    static <T> T needed(T value, String what) {
        check(value != null, "has no " + what);
        return value;
    }
}
