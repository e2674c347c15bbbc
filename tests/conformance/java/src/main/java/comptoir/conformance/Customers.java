package comptoir.conformance;

import java.util.ArrayList;
import java.util.List;

import org.joda.time.DateTime;

import com.microsoft.store.partnercenter.IPartner;
import com.microsoft.store.partnercenter.customers.ICustomer;
import com.microsoft.store.partnercenter.enumerators.IResourceCollectionEnumerator;
import com.microsoft.store.partnercenter.models.Address;
import com.microsoft.store.partnercenter.models.Contact;
import com.microsoft.store.partnercenter.models.SeekBasedResourceCollection;
import com.microsoft.store.partnercenter.models.agreements.Agreement;
import com.microsoft.store.partnercenter.models.agreements.AgreementMetaData;
import com.microsoft.store.partnercenter.models.customers.Customer;
import com.microsoft.store.partnercenter.models.customers.CustomerBillingProfile;
import com.microsoft.store.partnercenter.models.customers.CustomerCompanyProfile;
import com.microsoft.store.partnercenter.models.query.QueryFactory;
import com.microsoft.store.partnercenter.models.query.SeekOperation;
import com.microsoft.store.partnercenter.models.query.filters.FieldFilterOperation;
import com.microsoft.store.partnercenter.models.query.filters.SimpleFieldFilter;

/** Customers, their agreement and what a partner asks before it creates one. */
final class Customers {
    private static final String DOMAIN = "quaysidebooks.example";
    private static final String AGREEMENT = "MicrosoftCustomerAgreement";

    private final IPartner partner;
    private final Settings settings;
    private final Steps steps;
    private SeekBasedResourceCollection<Customer> firstPage;
    private Customer created;
    private AgreementMetaData template;

    Customers(IPartner partner, Settings settings, Steps steps) {
        this.partner = partner;
        this.settings = settings;
        this.steps = steps;
    }

    void walk() {
        read();
        page();
        create();
        agree();
        steps.step("customers.delete", () -> byId(created()).delete());
        steps.refused("customers.get_deleted", "60003", () -> byId(created()).get());
    }

    private void read() {
        steps.step("customers.list", () -> {
            boolean found = false;
            for (Customer customer : partner.getCustomers().get().getItems()) {
                found |= customer.getId().equals(settings.customer);
                Steps.check(customer.getCompanyProfile().getCompanyName() != null, "no company name");
            }
            Steps.check(found, "the customer is not listed");
        });
        steps.step("customers.get", () -> {
            Customer customer = partner.getCustomers().byId(settings.customer).get();
            Steps.same(settings.companyName, customer.getCompanyProfile().getCompanyName());
            Steps.same(settings.country, customer.getBillingProfile().getDefaultAddress().getCountry());
            Steps.same("reseller", String.valueOf(customer.getRelationshipToPartner()));
        });
        steps.step("customers.billing_profile", () -> {
            CustomerBillingProfile profile =
                partner.getCustomers().byId(settings.customer).getProfiles().getBilling().get();
            Steps.same(settings.companyName, profile.getCompanyName());
        });
        steps.step("customers.filter", () -> {
            SimpleFieldFilter filter = new SimpleFieldFilter(
                "CompanyName", FieldFilterOperation.STARTS_WITH, settings.companyName.substring(0, 5));
            Customer found =
                Steps.only(partner.getCustomers().query(QueryFactory.getInstance().buildSimpleQuery(filter)));
            Steps.same(settings.customer, found.getId());
        });
    }

    private void page() {
        steps.step("customers.page", () -> {
            firstPage = partner.getCustomers().query(QueryFactory.getInstance().buildIndexedQuery(2));
            Steps.same(2, firstPage.getTotalCount());
            Steps.check(firstPage.getContinuationToken() != null, "no continuation token");
        });
        steps.step("customers.page_by_token", () -> {
            SeekBasedResourceCollection<Customer> next = partner.getCustomers().query(
                QueryFactory.getInstance().buildSeekQuery(
                    SeekOperation.NEXT, 2, 0, null, null,
                    Steps.needed(firstPage, "first page").getContinuationToken()));
            Steps.same(2, next.getTotalCount());
            String first = Steps.items(firstPage).get(0).getId();
            Steps.check(Steps.items(next).stream().noneMatch(each -> each.getId().equals(first)), "same page");
        });
        steps.step("customers.page_by_link", () -> {
            List<String> found = new ArrayList<>();
            IResourceCollectionEnumerator<SeekBasedResourceCollection<Customer>> pages =
                partner.getEnumerators().getCustomers().create(firstPage);
            for (; pages.hasValue(); pages.next()) {
                pages.getCurrent().getItems().forEach(customer -> found.add(customer.getId()));
            }
            Steps.same((long) partner.getCustomers().get().getTotalCount(), found.stream().distinct().count());
        });
    }

    private void create() {
        steps.step("validations.address", () ->
            Steps.check(partner.getValidations().isAddressValid(address()), "the address is not valid"));
        steps.step("domains.free", () ->
            Steps.check(!partner.getDomains().byDomain(DOMAIN).exists(), "the domain is taken"));
        steps.step("customers.create", () -> {
            created = partner.getCustomers().create(draft());
            Steps.same(DOMAIN, created.getCompanyProfile().getDomain());
            Steps.check(created.getUserCredentials().getPassword() != null, "no password");
        });
        steps.step("domains.taken", () ->
            Steps.check(partner.getDomains().byDomain(DOMAIN).exists(), "the domain is still free"));
    }

    private void agree() {
        steps.step("agreements.metadata", () -> {
            template = Steps.only(partner.getAgreementDetails().byAgreementType(AGREEMENT).get());
            Steps.same(AGREEMENT, template.getAgreementType());
        });
        steps.step("agreements.create", () -> {
            Agreement agreement = byId(created()).getAgreements().create(draftOfAgreement());
            Steps.same(AGREEMENT, agreement.getType());
            Steps.check(agreement.getUserId() != null, "nobody agreed");
        });
        steps.step("agreements.list", () -> {
            Agreement found =
                Steps.only(byId(created()).getAgreements().byAgreementType(AGREEMENT).get());
            Steps.same("Wren", found.getPrimaryContact().getFirstName());
        });
    }

    private Customer created() {
        return Steps.needed(created, "new customer");
    }

    private ICustomer byId(Customer customer) {
        return partner.getCustomers().byId(customer.getId());
    }

    private static Address address() {
        Address address = new Address();
        address.setFirstName("Wren");
        address.setLastName("Calloway");
        address.setAddressLine1("18 Harbor Street");
        address.setCity("Seattle");
        address.setState("WA");
        address.setPostalCode("98101");
        address.setCountry("US");
        address.setPhoneNumber("2065550123");
        return address;
    }

    private static Customer draft() {
        CustomerBillingProfile billing = new CustomerBillingProfile();
        billing.setCulture("en-US");
        billing.setLanguage("en");
        billing.setEmail("wren@" + DOMAIN);
        billing.setCompanyName("Quayside Books");
        billing.setDefaultAddress(address());
        CustomerCompanyProfile company = new CustomerCompanyProfile();
        company.setDomain(DOMAIN);
        Customer customer = new Customer();
        customer.setBillingProfile(billing);
        customer.setCompanyProfile(company);
        return customer;
    }

    private Agreement draftOfAgreement() {
        Contact contact = new Contact();
        contact.setFirstName("Wren");
        contact.setLastName("Calloway");
        contact.setEmail("wren@" + DOMAIN);
        contact.setPhoneNumber("2065550123");
        Agreement agreement = new Agreement();
        agreement.setPrimaryContact(contact);
        agreement.setDateAgreed(DateTime.now().minusMinutes(1));
        agreement.setTemplateId(Steps.needed(template, "template").getTemplateId());
        agreement.setType(AGREEMENT);
        return agreement;
    }
}
