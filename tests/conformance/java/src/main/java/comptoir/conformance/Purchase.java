package comptoir.conformance;

import java.util.Arrays;

import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.carts.ICartCollection;
import com.microsoft.store.partnercenter.customers.ICustomer;
import com.microsoft.store.partnercenter.models.carts.Cart;
import com.microsoft.store.partnercenter.models.carts.CartCheckoutResult;
import com.microsoft.store.partnercenter.models.carts.CartErrorCode;
import com.microsoft.store.partnercenter.models.carts.CartLineItem;
import com.microsoft.store.partnercenter.models.offers.BillingCycleType;
import com.microsoft.store.partnercenter.models.orders.Order;
import com.microsoft.store.partnercenter.models.orders.OrderLineItem;
import com.microsoft.store.partnercenter.models.orders.OrderLineItemActivationLink;
import com.microsoft.store.partnercenter.models.products.Availability;
import com.microsoft.store.partnercenter.orders.IOrder;
import com.microsoft.store.partnercenter.orders.IOrderCollection;

/** Cart, checkout, orders and activation links. */
final class Purchase {
    private static final int SEATS = 3;
    private static final int FULFILMENT_SECONDS_MAX = 30;

    private final ICustomer customer;
    private final Steps steps;
    private final Catalogue catalogue;
    private Cart cart;
    private Order order;
    private Order trialOrder;

    Purchase(IPartner partner, Settings settings, Steps steps, Catalogue catalogue) {
        this.customer = partner.getCustomers().byId(settings.customer);
        this.steps = steps;
        this.catalogue = catalogue;
    }

    /** The order of the paid plan. */
    Order order() {
        return Steps.needed(order, "order");
    }

    Order trialOrder() {
        return Steps.needed(trialOrder, "order of the trial");
    }

    void walk() {
        carts();
        orders();
        activationLinks();
        direct();
    }

    private void carts() {
        ICartCollection carts = customer.getCarts();
        steps.step("carts.create", () -> {
            cart = carts.create(cartOf(line(catalogue.paid(), 1)));
            Steps.same("Active", cart.getStatus());
            Steps.check(cart.getExpirationTimestamp().isAfterNow(), "has expired");
            Steps.same("0", cart.getLineItems().get(0).getOrderGroup());
        });
        steps.step("carts.line_error", () -> {
            CartLineItem wrong = line(catalogue.paid(), 1);
            wrong.setCatalogItemId("DZH318Z0ZZZZ:0001:DZH318Z0ZZZZ");
            CartLineItem found = carts.create(cartOf(wrong)).getLineItems().get(0);
            Steps.same(CartErrorCode.CATALOG_ITEM_ID_IS_NOT_VALID, found.getError().getErrorCode());
            Steps.check(!found.getError().getErrorDescription().isEmpty(), "no description");
        });
        steps.step("carts.get", () -> {
            cart = carts.byId(cart().getId()).get();
            Steps.same(1, cart.getLineItems().size());
        });
        steps.step("carts.put", () -> {
            cart().getLineItems().get(0).setQuantity(SEATS);
            cart().setLineItems(Arrays.asList(cart().getLineItems().get(0), line(catalogue.trial(), 1)));
            cart = carts.byId(cart().getId()).put(cart());
            Steps.same(2, cart.getLineItems().size());
            Steps.same(SEATS, cart.getLineItems().get(0).getQuantity());
            Steps.same(1, cart.getLineItems().get(1).getId());
        });
        steps.step("carts.checkout", () -> {
            CartCheckoutResult result = carts.byId(cart().getId()).checkout();
            Steps.check(result.getOrderErrors().isEmpty(), "has order errors");
            Steps.same(2, result.getOrders().size());
            order = result.getOrders().get(0);
            trialOrder = result.getOrders().get(1);
            Steps.same(BillingCycleType.NONE, trialOrder.getBillingCycle());
            Steps.check(order.getTotalPrice() > 0, "costs nothing");
        });
        steps.step("carts.checkout_again", () -> Steps.same(
            order().getId(), carts.byId(cart().getId()).checkout().getOrders().get(0).getId()));
        steps.refused("carts.put_ordered", "800065", () -> carts.byId(cart().getId()).put(cart()));
        steps.refused("carts.get_unknown", "800008",
            () -> carts.byId("11111111-2222-4333-8444-555555555555").get());
    }

    private void orders() {
        IOrderCollection orders = customer.getOrders();
        steps.step("orders.completed", () -> {
            Steps.same("completed", completed(orders.byId(order().getId())).getStatus());
            Steps.same("completed", completed(orders.byId(trialOrder().getId())).getStatus());
        });
        steps.step("orders.get_with_price", () -> {
            Order found = orders.byId(order().getId()).get(true);
            Steps.same(order().getTotalPrice(), found.getTotalPrice());
            Steps.same(order().getCurrencyCode(), found.getCurrencyCode());
            Steps.check(found.getLinks().getProvisioningStatus() != null, "no link to the provisioning status");
            Steps.same(SEATS, line(found).getQuantity());
        });
        steps.step("orders.list", () -> Steps.same(2, orders.get().getTotalCount()));
        steps.step("orders.list_with_price", () -> Steps.check(
            Steps.items(orders.get(true)).stream().anyMatch(each -> each.getTotalPrice() > 0), "no price"));
        steps.step("orders.by_billing_cycle", () -> Steps.same(
            order().getId(), Steps.only(orders.byBillingCycleType(BillingCycleType.MONTHLY).get()).getId()));
        steps.step("orders.provisioning_status", () -> Steps.same(
            "fulfilled", Steps.only(orders.byId(order().getId()).getProvisioningStatus().get()).getStatus()));
        steps.refused("orders.get_unknown", "20000",
            () -> orders.byId("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1").get());
    }

    private void activationLinks() {
        steps.step("activation_links.by_order_line", () -> {
            OrderLineItemActivationLink found = Steps.only(customer.getOrders().byId(order().getId())
                .getOrderLineItems().byId(0).getActivationLink().get());
            Steps.check(found.getLink().getUri().isAbsolute(), "the link is not absolute");
        });
        steps.step("activation_links.by_subscription", () -> {
            OrderLineItemActivationLink found = Steps.only(customer.getSubscriptions()
                .byId(line(order()).getSubscriptionId()).getActivationLinks().get());
            Steps.same(0, found.getLineItemNumber());
        });
    }

    /** An order without a cart, and its cancellation, which only a sandbox allows. */
    private void direct() {
        IOrderCollection orders = customer.getOrders();
        Order[] made = new Order[1];
        steps.step("orders.create", () -> {
            OrderLineItem line = new OrderLineItem();
            line.setLineItemNumber(0);
            line.setOfferId(catalogue.paid().getCatalogItemId());
            line.setQuantity(1);
            Order draft = new Order();
            draft.setBillingCycle(BillingCycleType.MONTHLY);
            draft.setLineItems(Arrays.asList(line));
            made[0] = orders.create(draft);
            Steps.same("pending", made[0].getStatus());
        });
        steps.step("orders.cancel", () -> {
            IOrder direct = orders.byId(Steps.needed(made[0], "direct order").getId());
            Order full = completed(direct);
            full.setStatus("cancelled");
            Steps.same("cancelled", direct.patch(full).getStatus());
        });
    }

    private Cart cart() {
        return Steps.needed(cart, "cart");
    }

    /** An order as it is once it is fulfilled, which takes a moment. */
    private static Order completed(IOrder order) throws InterruptedException {
        for (int waited = 0; waited < FULFILMENT_SECONDS_MAX * 10; waited++) {
            Order found = order.get();
            if (!"pending".equals(found.getStatus())) {
                return found;
            }
            Thread.sleep(100);
        }
        throw new AssertionError("the order stays pending");
    }

    /** The one line of an order. */
    static OrderLineItem line(Order order) {
        return order.getLineItems().iterator().next();
    }

    private static Cart cartOf(CartLineItem line) {
        Cart draft = new Cart();
        draft.setLineItems(Arrays.asList(line));
        return draft;
    }

    private static CartLineItem line(Availability availability, int quantity) {
        CartLineItem line = new CartLineItem();
        line.setCatalogItemId(availability.getCatalogItemId());
        line.setFriendlyName("From Java");
        line.setQuantity(quantity);
        line.setTermDuration(availability.getTerms().iterator().next().getDuration());
        return line;
    }
}
