package comptoir.conformance;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.enumerators.IResourceCollectionEnumerator;
import com.microsoft.store.partnercenter.invoices.IInvoice;
import com.microsoft.store.partnercenter.models.ResourceCollection;
import com.microsoft.store.partnercenter.models.SeekBasedResourceCollection;
import com.microsoft.store.partnercenter.models.invoices.BillingPeriod;
import com.microsoft.store.partnercenter.models.invoices.BillingProvider;
import com.microsoft.store.partnercenter.models.invoices.DailyRatedUsageLineItem;
import com.microsoft.store.partnercenter.models.invoices.DocumentType;
import com.microsoft.store.partnercenter.models.invoices.EstimateLink;
import com.microsoft.store.partnercenter.models.invoices.Invoice;
import com.microsoft.store.partnercenter.models.invoices.InvoiceLineItem;
import com.microsoft.store.partnercenter.models.invoices.InvoiceLineItemType;
import com.microsoft.store.partnercenter.models.invoices.OneTimeInvoiceLineItem;
import com.microsoft.store.partnercenter.models.query.QueryFactory;

/** Invoices, balances and lines of every kind, billed and not, page by page. */
final class Invoices {
    private static final String CURRENCY = "USD";
    private static final String UNBILLED = "unbilled";
    private static final String UNKNOWN = "T999999999";
    private static final int EVERYTHING = 2000;
    private static final int PAGE = 2;

    private final IPartner partner;
    private final Steps steps;
    private Invoice invoice;

    Invoices(IPartner partner, Steps steps) {
        this.partner = partner;
        this.steps = steps;
    }

    void walk() {
        read();
        lines("invoices.lines", this::billed, BillingProvider.ONE_TIME, InvoiceLineItemType.BILLINGLINEITEMS,
            line -> charge(line).getAlternateId() + charge(line).getOrderDate() + charge(line).getProductName()
                + charge(line).getMeterDescription() + charge(line).getSubscriptionId());
        lines("invoices.usage", this::billed, BillingProvider.MARKETPLACE, InvoiceLineItemType.USAGELINEITEMS,
            Invoices::dayOf);
        lines("invoices.usage_of_onetime", this::billed, BillingProvider.ONE_TIME,
            InvoiceLineItemType.USAGELINEITEMS, Invoices::dayOf);
        lines("invoices.unbilled_usage", () -> byId(UNBILLED), BillingProvider.MARKETPLACE,
            InvoiceLineItemType.USAGELINEITEMS, Invoices::dayOf);
        path();
        unbilled();
        refused();
    }

    private void read() {
        steps.step("invoices.list", () -> {
            List<Invoice> found = Steps.items(partner.getInvoices().get());
            Steps.check(!found.isEmpty(), "there is none");
            invoice = found.get(0);
            Steps.same(DocumentType.INVOICE, invoice.getDocumentType());
            Steps.same("OneTime", invoice.getInvoiceType());
            Steps.same(CURRENCY, invoice.getCurrencyCode());
            invoice.getInvoiceDetails().forEach(detail ->
                Steps.check(detail.getLinks().getSelf().getUri() != null, "a detail leads nowhere"));
        });
        steps.step("invoices.page", () -> {
            int size = Steps.items(partner.getInvoices().get()).size();
            List<String> found = new ArrayList<>();
            IResourceCollectionEnumerator<ResourceCollection<Invoice>> pages =
                partner.getEnumerators().getInvoices().create(
                    partner.getInvoices().query(QueryFactory.getInstance().buildIndexedQuery(1, 0)));
            for (; pages.hasValue(); pages.next()) {
                pages.getCurrent().getItems().forEach(each -> found.add(each.getId()));
            }
            Steps.same((long) size, found.stream().distinct().count());
        });
        steps.step("invoices.get", () -> {
            Invoice found = billed().get();
            Steps.same(invoice().getTotalCharges(), found.getTotalCharges());
            Steps.same(invoice().getBillingPeriodEndDate(), found.getBillingPeriodEndDate());
        });
        steps.step("invoices.summary", () -> {
            Steps.same(CURRENCY, partner.getInvoices().getSummary().get().getCurrencyCode());
            Steps.check(partner.getInvoices().getSummary().get().getBalanceAmount() > 0, "nothing is owed");
        });
        steps.step("invoices.summaries", () -> Steps.same(
            CURRENCY, Steps.only(partner.getInvoices().getSummaries().get()).getCurrencyCode()));
        steps.step("invoices.statement", () -> {
            try (InputStream printed = billed().getDocuments().getStatement().get()) {
                byte[] start = new byte[4];
                Steps.same(start.length, printed.read(start));
                Steps.same("%PDF", new String(start, "US-ASCII"));
            }
        });
    }

    /** One page of everything and small pages by their links hold the same lines, each once. */
    private void lines(String name, Supplier<IInvoice> source, BillingProvider provider,
            InvoiceLineItemType type, Function<InvoiceLineItem, String> key) {
        steps.step(name, () -> {
            IInvoice from = source.get();
            Set<String> whole = new LinkedHashSet<>();
            Steps.items(from.by(provider, type, CURRENCY, BillingPeriod.CURRENT, EVERYTHING).get())
                .forEach(line -> whole.add(key.apply(line)));
            SeekBasedResourceCollection<InvoiceLineItem> first =
                from.by(provider, type, CURRENCY, BillingPeriod.CURRENT, PAGE).get();
            Steps.check(first.getContinuationToken() != null, "the first page has no token");
            List<String> found = new ArrayList<>();
            int count = 0;
            IResourceCollectionEnumerator<ResourceCollection<InvoiceLineItem>> pages =
                partner.getEnumerators().getInvoiceLineItems().create(first);
            for (; pages.hasValue(); pages.next()) {
                pages.getCurrent().getItems().forEach(line -> found.add(key.apply(line)));
                count++;
            }
            Steps.check(count > 1, "there is one page only");
            Steps.same(new ArrayList<>(whole), found);
        });
    }

    private void path() {
        steps.step("invoices.lines_by_path", () -> {
            List<InvoiceLineItem> all = Steps.items(
                billed().by(BillingProvider.ONE_TIME, InvoiceLineItemType.BILLINGLINEITEMS).get());
            List<InvoiceLineItem> rest = Steps.items(
                billed().by(BillingProvider.ONE_TIME, InvoiceLineItemType.BILLINGLINEITEMS).get(PAGE, 1));
            Steps.same(charge(all.get(1)).getSubscriptionId(), charge(rest.get(0)).getSubscriptionId());
            Steps.check(!Steps.items(
                billed().by(BillingProvider.ONE_TIME, InvoiceLineItemType.USAGELINEITEMS).get()).isEmpty(),
                "there is no usage");
        });
    }

    private void unbilled() {
        steps.step("invoices.unbilled", () -> {
            int count = 0;
            for (BillingPeriod period : new BillingPeriod[] {BillingPeriod.CURRENT, BillingPeriod.PREVIOUS}) {
                for (InvoiceLineItem line : Steps.items(byId(UNBILLED).by(
                        BillingProvider.ALL, InvoiceLineItemType.BILLINGLINEITEMS, CURRENCY, period).get())) {
                    Steps.same("", charge(line).getInvoiceNumber());
                    count++;
                }
            }
            Steps.check(count > 0, "there is none");
        });
        steps.step("invoices.estimate_links", () -> {
            List<EstimateLink> found = Steps.items(
                partner.getInvoices().getEstimates().getLinks().byCurrency(CURRENCY).get());
            Steps.same(4, found.size());
            Steps.same("Current", found.get(0).getPeriod());
            Steps.check(found.get(3).getLink().getUri().toString().contains("period=previous"), "a wrong link");
        });
    }

    private void refused() {
        steps.refused("invoices.get_unknown", "1000", () -> byId(UNKNOWN).get());
        steps.refused("invoices.lines_unknown", "1000", () -> byId(UNKNOWN).by(
            BillingProvider.ALL, InvoiceLineItemType.BILLINGLINEITEMS, CURRENCY, BillingPeriod.CURRENT).get());
        steps.refused("invoices.unbilled_no_currency", "3000", () -> byId(UNBILLED).by(
            BillingProvider.ALL, InvoiceLineItemType.BILLINGLINEITEMS, "dollars", BillingPeriod.CURRENT).get());
    }

    private static OneTimeInvoiceLineItem charge(InvoiceLineItem line) {
        return (OneTimeInvoiceLineItem) line;
    }

    /** What makes a day of usage unlike any other. Its metadata are a map or a text, by the SDK's version. */
    private static String dayOf(InvoiceLineItem line) {
        DailyRatedUsageLineItem day = (DailyRatedUsageLineItem) line;
        Steps.check(String.valueOf(day.getAdditionalInfo()).contains(day.getMeterId()), "no metadata");
        return day.getSubscriptionId() + day.getMeterId() + day.getUsageDate();
    }

    private Invoice invoice() {
        return Steps.needed(invoice, "invoice");
    }

    private IInvoice billed() {
        return byId(invoice().getId());
    }

    private IInvoice byId(String id) {
        return partner.getInvoices().byId(id);
    }
}
