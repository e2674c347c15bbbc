package comptoir.conformance;

import java.util.Collections;

import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.customers.products.ICustomerProductCollection;
import com.microsoft.store.partnercenter.models.ResourceCollection;
import com.microsoft.store.partnercenter.models.products.Availability;
import com.microsoft.store.partnercenter.models.products.InventoryCheckRequest;
import com.microsoft.store.partnercenter.models.products.InventoryItem;
import com.microsoft.store.partnercenter.models.products.Product;
import com.microsoft.store.partnercenter.models.products.Sku;
import com.microsoft.store.partnercenter.products.IProduct;
import com.microsoft.store.partnercenter.products.IProductCollectionByCountry;

/** The catalogue of a country and of a customer. */
final class Catalogue {
    private static final String VIEW = "OnlineServices";
    private static final String SEGMENT = "commercial";

    private final IPartner partner;
    private final Settings settings;
    private final Steps steps;
    private Product product;
    private Sku sku;
    private Sku trialSku;
    private Availability paid;
    private Availability trial;

    Catalogue(IPartner partner, Settings settings, Steps steps) {
        this.partner = partner;
        this.settings = settings;
        this.steps = steps;
    }

    /** The plan to buy, and its free trial. */
    Availability paid() {
        return Steps.needed(paid, "availability");
    }

    Availability trial() {
        return Steps.needed(trial, "availability of the trial");
    }

    int seatsMax() {
        return sku().getMaximumQuantity();
    }

    void walk() {
        ofCountry();
        ofCustomer();
        inventory();
    }

    private void ofCountry() {
        IProductCollectionByCountry products = partner.getProducts().byCountry(settings.country);
        steps.step("products.by_country_and_view", () -> {
            for (Product each : products.byTargetView(VIEW).get().getItems()) {
                Steps.same("SaaS", each.getProductType().getSubType().getId());
                if (each.getTitle().startsWith(settings.product)) {
                    product = each;
                }
            }
            Steps.check(!product().getPublisherName().isEmpty(), "no publisher");
        });
        steps.step("products.by_segment", () ->
            Steps.check(products.byTargetView(VIEW).byTargetSegment(SEGMENT).get().getTotalCount() > 0, "none"));
        steps.step("products.get", () ->
            Steps.same(product().getTitle(), products.byId(product().getId()).get().getTitle()));
        steps.refused("products.get_unknown", "400013", () -> products.byId("DZH318Z0ZZZZ").get());
        steps.step("skus.list", () -> {
            for (Sku each : products.byId(product().getId()).getSkus().get().getItems()) {
                if (each.getTitle().startsWith(settings.plan)) {
                    sku = each.getIsTrial() ? sku : each;
                    trialSku = each.getIsTrial() ? each : trialSku;
                }
            }
            Steps.check(sku().getMinimumQuantity() >= 1, "no minimum");
            Steps.check(!sku().getSupportedBillingCycles().isEmpty(), "no billing cycle");
        });
        steps.step("skus.by_segment", () -> Steps.check(
            products.byId(product().getId()).getSkus().byTargetSegment(SEGMENT).get().getTotalCount() > 0, "none"));
        steps.step("skus.get", () -> Steps.same(
            sku().getTitle(), products.byId(product().getId()).getSkus().byId(sku().getId()).get().getTitle()));
        availabilities("", products.byId(product().getId()));
        steps.step("availabilities.get", () -> {
            Availability found = products.byId(product().getId()).getSkus().byId(sku().getId())
                .getAvailabilities().byId(paid().getId()).get();
            Steps.same(paid().getCatalogItemId(), found.getCatalogItemId());
            Steps.check(found.getIsPurchasable(), "not purchasable");
        });
    }

    private void ofCustomer() {
        ICustomerProductCollection products = partner.getCustomers().byId(settings.customer).getProducts();
        steps.step("customer_products.by_view", () ->
            Steps.check(contains(products.byTargetView(VIEW).get()), "the product is not listed"));
        steps.step("customer_products.by_segment", () -> Steps.check(
            contains(products.byTargetView(VIEW).byTargetSegment(SEGMENT).get()), "not listed"));
        steps.step("customer_products.get", () ->
            Steps.same(product().getTitle(), products.byId(product().getId()).get().getTitle()));
        steps.step("customer_skus.list", () ->
            Steps.check(products.byId(product().getId()).getSkus().get().getTotalCount() > 1, "too few"));
        steps.step("customer_skus.by_segment", () -> Steps.check(
            products.byId(product().getId()).getSkus().byTargetSegment(SEGMENT).get().getTotalCount() > 1, "too few"));
        steps.step("customer_skus.get", () -> Steps.same(
            sku().getId(), products.byId(product().getId()).getSkus().byId(sku().getId()).get().getId()));
        availabilities("customer_", products.byId(product().getId()));
        // The SDK asks for the list here and reads one availability from it, of which nothing remains.
        steps.step("customer_availabilities.get", () -> Steps.check(
            products.byId(product().getId()).getSkus().byId(sku().getId())
                .getAvailabilities().byId(paid().getId()).get() != null, "no answer"));
    }

    private void availabilities(String prefix, IProduct of) {
        steps.step(prefix + "availabilities.list", () -> {
            paid = Steps.only(of.getSkus().byId(sku().getId()).getAvailabilities().get());
            trial = Steps.only(of.getSkus().byId(trialSku().getId()).getAvailabilities().get());
            Steps.same(product().getId() + ":" + sku().getId() + ":" + paid.getId(), paid.getCatalogItemId());
            Steps.same(settings.country, paid.getCountry());
            Steps.check(paid.getTerms().iterator().hasNext(), "no terms");
            Steps.check(!paid.getDefaultCurrency().getCode().isEmpty(), "no currency");
        });
        steps.step(prefix + "availabilities.by_segment", () -> Steps.same(paid().getId(), Steps.only(
            of.getSkus().byId(sku().getId()).getAvailabilities().byTargetSegment(SEGMENT).get()).getId()));
    }

    /** Up to 1.15.3 the SDK posts its parameters in place of the request, so the answer says nothing. */
    private void inventory() {
        steps.step("inventory.check", () -> {
            InventoryItem item = new InventoryItem();
            item.setProductId(product().getId());
            item.setSkuId(sku().getId());
            InventoryCheckRequest request = new InventoryCheckRequest();
            request.setTargetItems(Collections.singletonList(item));
            request.setInventoryContext(Collections.singletonMap("customerId", settings.customer));
            for (InventoryItem each : partner.getExtensions().getProduct().byCountry(settings.country)
                    .checkInventory(request)) {
                Steps.same("false", each.getIsRestricted());
            }
        });
    }

    private Product product() {
        return Steps.needed(product, "product");
    }

    private Sku sku() {
        return Steps.needed(sku, "SKU");
    }

    private Sku trialSku() {
        return Steps.needed(trialSku, "SKU of the trial");
    }

    private boolean contains(ResourceCollection<Product> products) {
        return Steps.items(products).stream().anyMatch(each -> each.getId().equals(product().getId()));
    }
}
