package comptoir.conformance;

import java.util.List;
import java.util.function.Consumer;

import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.models.orders.Order;
import com.microsoft.store.partnercenter.models.subscriptions.Conversion;
import com.microsoft.store.partnercenter.models.subscriptions.ConversionResult;
import com.microsoft.store.partnercenter.models.subscriptions.Subscription;
import com.microsoft.store.partnercenter.models.subscriptions.SubscriptionActivationResult;
import com.microsoft.store.partnercenter.models.subscriptions.SubscriptionProvisioningStatus;
import com.microsoft.store.partnercenter.models.subscriptions.SubscriptionStatus;
import com.microsoft.store.partnercenter.models.subscriptions.SupportContact;
import com.microsoft.store.partnercenter.subscriptions.ISubscription;
import com.microsoft.store.partnercenter.subscriptions.ISubscriptionCollection;

/** Subscriptions from activation to cancellation. */
final class LifeCycle {
    private final Steps steps;
    private final Catalogue catalogue;
    private final Purchase purchase;
    private final ISubscriptionCollection subscriptions;

    LifeCycle(IPartner partner, Settings settings, Steps steps, Catalogue catalogue, Purchase purchase) {
        this.steps = steps;
        this.catalogue = catalogue;
        this.purchase = purchase;
        this.subscriptions = partner.getCustomers().byId(settings.customer).getSubscriptions();
    }

    void walk() {
        activate();
        read();
        side();
        convert();
        update();
        end();
    }

    /** This client knows no status "pending", so the server shows it "none". */
    private void activate() {
        steps.step("subscriptions.none_before_activation", () ->
            Steps.same(SubscriptionStatus.NONE, paid().get().getStatus()));
        steps.refused("subscriptions.patch_before_activation", "800081", () -> {
            Subscription full = paid().get();
            full.setQuantity(full.getQuantity() + 1);
            paid().patch(full);
        });
        steps.step("subscriptions.activate", () -> {
            SubscriptionActivationResult result = paid().activate();
            Steps.same("Success", result.getStatus());
            Steps.same(idOf(purchase.order()), result.getSubscriptionId());
        });
        steps.refused("subscriptions.activate_again", "800041", () -> paid().activate());
        steps.step("subscriptions.activate_trial", () -> Steps.same("Success", trial().activate().getStatus()));
    }

    private void read() {
        steps.step("subscriptions.get", () -> {
            Subscription found = paid().get();
            Steps.same(SubscriptionStatus.ACTIVE, found.getStatus());
            Steps.same(purchase.order().getId(), found.getOrderId());
            Steps.check(found.getCommitmentEndDate().isAfterNow(), "the term has ended");
            Steps.check(found.getAutoRenewEnabled(), "is not renewed");
            Steps.check(found.getAttributes().getEtag() != null, "has no etag");
        });
        steps.step("subscriptions.get_trial", () -> Steps.check(trial().get().getIsTrial(), "is no trial"));
        steps.step("subscriptions.list", () -> {
            List<Subscription> found = Steps.items(subscriptions.get());
            Steps.same(3, found.size());
            Steps.check(found.stream().anyMatch(each -> each.getStatus() == SubscriptionStatus.DELETED),
                "the cancelled order's is missing");
        });
        steps.step("subscriptions.by_order", () -> Steps.same(
            idOf(purchase.order()), Steps.only(subscriptions.byOrder(purchase.order().getId()).get()).getId()));
        steps.step("subscriptions.by_partner", () ->
            Steps.same(0, subscriptions.byPartner("4847383").get().getTotalCount()));
        steps.refused("subscriptions.get_unknown", "20003",
            () -> subscriptions.byId("11111111-2222-4333-8444-555555555555").get());
    }

    private void side() {
        steps.step("subscriptions.provisioning_status", () -> {
            SubscriptionProvisioningStatus found = paid().getProvisioningStatus().get();
            Steps.same("success", String.valueOf(found.getStatus()));
            Steps.same(3, found.getQuantity());
        });
        steps.step("subscriptions.registration_status", () -> Steps.same(
            idOf(purchase.order()), paid().getRegistrationStatus().get().getSubscriptionId()));
        steps.step("subscriptions.support_contact", () -> {
            SupportContact contact = paid().getSupportContact().get();
            Steps.same(contact.getName(), paid().getSupportContact().update(contact).getName());
        });
        steps.step("subscriptions.add_ons", () -> Steps.same(0, paid().getAddOns().get().getTotalCount()));
        steps.step("subscriptions.upgrades", () -> Steps.same(0, paid().getUpgrades().get().getTotalCount()));
    }

    /** The end of a trial before its time. */
    private void convert() {
        steps.step("subscriptions.conversions", () -> {
            Conversion conversion = Steps.only(trial().getConversions().get());
            Steps.same(catalogue.trial().getCatalogItemId(), conversion.getOfferId());
            ConversionResult result = trial().getConversions().create(conversion);
            Steps.same(idOf(purchase.trialOrder()), result.getSubscriptionId());
            Steps.check(result.getError() == null, "has an error");
            Steps.check(!trial().get().getIsTrial(), "is still a trial");
        });
        steps.step("subscriptions.conversions_of_paid", () ->
            Steps.same(0, paid().getConversions().get().getTotalCount()));
    }

    private void update() {
        patched("subscriptions.patch_friendly_name", full -> full.setFriendlyName("Reading room"),
            found -> Steps.same("Reading room", found.getFriendlyName()));
        patched("subscriptions.patch_quantity", full -> full.setQuantity(5),
            found -> Steps.same(5, found.getQuantity()));
        patched("subscriptions.patch_auto_renew_off", full -> full.setAutoRenewEnabled(false),
            found -> Steps.check(!found.getAutoRenewEnabled(), "is still renewed"));
        patched("subscriptions.patch_nothing", full -> { },
            found -> Steps.same(5, found.getQuantity()));
        steps.refused("subscriptions.patch_stale", "2055", () -> {
            Subscription stale = paid().get();
            Subscription fresh = paid().get();
            fresh.setFriendlyName("Back room");
            paid().patch(fresh);
            stale.setFriendlyName("Front room");
            paid().patch(stale);
        });
        steps.refused("subscriptions.patch_sparse_suspend", "800096", () -> {
            Subscription sparse = new Subscription();
            sparse.setStatus(SubscriptionStatus.SUSPENDED);
            paid().patch(sparse);
        });
        steps.refused("subscriptions.patch_quantity_too_high", "2002", () -> {
            Subscription full = paid().get();
            full.setQuantity(catalogue.seatsMax() + 1);
            paid().patch(full);
        });
    }

    private void end() {
        patched("subscriptions.cancel", full -> full.setStatus(SubscriptionStatus.DELETED),
            found -> Steps.same(SubscriptionStatus.DELETED, found.getStatus()));
        steps.refused("subscriptions.cancel_again", "2011", () -> {
            Subscription full = paid().get();
            full.setQuantity(4);
            paid().patch(full);
        });
    }

    /** A whole subscription, read, changed and sent back, as the SDK's samples do; it must stay changed. */
    private void patched(String name, Consumer<Subscription> change, Consumer<Subscription> holds) {
        steps.step(name, () -> {
            Subscription full = paid().get();
            change.accept(full);
            holds.accept(paid().patch(full));
            holds.accept(paid().get());
        });
    }

    private ISubscription paid() {
        return subscriptions.byId(idOf(purchase.order()));
    }

    private ISubscription trial() {
        return subscriptions.byId(idOf(purchase.trialOrder()));
    }

    private static String idOf(Order order) {
        return Purchase.line(order).getSubscriptionId();
    }
}
