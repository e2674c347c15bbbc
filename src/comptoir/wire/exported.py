"""Layouts of files of lines, as Microsoft publishes them: titles in their order, and the members they show.

Sources: ``modern-invoice-reconciliation-file.md`` and ``daily-rated-usage-recon-files.md``.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from comptoir.wire.types import Reply


class Posting(Reply, kw_only=True):
    """An entry of the books: what is debited to one account and credited to another."""

    id: str
    source_kind: str
    source_id: str
    at: datetime
    debit: str
    credit: str
    amount: Decimal
    currency: str


RECONCILIATION: Mapping[str, str] = {
    "PartnerId": "partner_id",
    "CustomerId": "customer_id",
    "CustomerName": "customer_name",
    "CustomerDomainName": "customer_domain_name",
    "CustomerCountry": "customer_country",
    "InvoiceNumber": "invoice_number",
    "MpnId": "mpn_id",
    "ResellerMpnId": "reseller_mpn_id",
    "OrderId": "order_id",
    "OrderDate": "order_date",
    "ProductId": "product_id",
    "SkuId": "sku_id",
    "AvailabilityId": "availability_id",
    "SkuName": "sku_name",
    "ProductName": "product_name",
    "ChargeType": "charge_type",
    "UnitPrice": "unit_price",
    "Quantity": "quantity",
    "Subtotal": "subtotal",
    "TaxTotal": "tax_total",
    "Total": "total_for_customer",
    "Currency": "currency",
    "PriceAdjustmentDescription": "price_adjustment_description",
    "PublisherName": "publisher_name",
    "PublisherId": "publisher_id",
    "SubscriptionDescription": "subscription_description",
    "SubscriptionId": "subscription_id",
    "ChargeStartDate": "charge_start_date",
    "ChargeEndDate": "charge_end_date",
    "TermAndBillingCycle": "term_and_billing_cycle",
    "EffectiveUnitPrice": "effective_unit_price",
    "UnitType": "unit_type",
    "AlternateId": "alternate_id",
    "BillableQuantity": "billable_quantity",
    "BillingFrequency": "billing_frequency",
    "PricingCurrency": "pricing_currency",
    "PCToBCExchangeRate": "pc_to_bc_exchange_rate",
    "PCToBCExchangeRateDate": "pc_to_bc_exchange_rate_date",
    "MeterDescription": "meter_description",
    "ReservationOrderId": "reservation_order_id",
    "CreditReasonCode": "credit_reason_code",
    "SubscriptionStartDate": "subscription_start_date",
    "SubscriptionEndDate": "subscription_end_date",
    "ReferenceId": "reference_id",
    "ProductQualifiers": "product_qualifiers",
    "PromotionId": "promotion_id",
}

CONSUMPTION: Mapping[str, str] = {
    "PartnerId": "partner_id",
    "PartnerName": "partner_name",
    "CustomerId": "customer_id",
    "CustomerName": "customer_name",
    "CustomerDomainName": "customer_domain_name",
    "CustomerCountry": "customer_country",
    "MpnId": "mpn_id",
    "ResellerMpnId": "reseller_mpn_id",
    "InvoiceNumber": "invoice_number",
    "ProductId": "product_id",
    "SkuId": "sku_id",
    "AvailabilityId": "availability_id",
    "SkuName": "sku_name",
    "ProductName": "product_name",
    "PublisherName": "publisher_name",
    "PublisherId": "publisher_id",
    "SubscriptionDescription": "subscription_description",
    "SubscriptionId": "subscription_id",
    "ChargeStartDate": "charge_start_date",
    "ChargeEndDate": "charge_end_date",
    "UsageDate": "usage_date",
    "MeterType": "meter_type",
    "MeterCategory": "meter_category",
    "MeterId": "meter_id",
    "MeterSubCategory": "meter_sub_category",
    "MeterName": "meter_name",
    "MeterRegion": "meter_region",
    "Unit": "unit_of_measure",
    "ResourceLocation": "resource_location",
    "ConsumedService": "consumed_service",
    "ResourceGroup": "resource_group",
    "ResourceURI": "resource_uri",
    "ChargeType": "charge_type",
    "UnitPrice": "unit_price",
    "Quantity": "quantity",
    "UnitType": "unit_type",
    "BillingPreTaxTotal": "billing_pre_tax_total",
    "BillingCurrency": "billing_currency",
    "PricingPreTaxTotal": "pricing_pre_tax_total",
    "PricingCurrency": "pricing_currency",
    "ServiceInfo1": "service_info1",
    "ServiceInfo2": "service_info2",
    "Tags": "tags",
    "AdditionalInfo": "additional_info",
    "EffectiveUnitPrice": "effective_unit_price",
    "PCToBCExchangeRate": "pc_to_bc_exchange_rate",
    "PCToBCExchangeRateDate": "pc_to_bc_exchange_rate_date",
    "EntitlementId": "entitlement_id",
    "EntitlementDescription": "entitlement_description",
    "PartnerEarnedCreditPercentage": "rate_of_partner_earned_credit",
    "CreditPercentage": "rate_of_credit",
    "CreditType": "credit_type",
    "BenefitOrderId": "benefit_order_id",
    "BenefitId": "benefit_id",
    "BenefitType": "benefit_type",
}

POSTINGS: Mapping[str, str] = {
    "Id": "id",
    "SourceKind": "source_kind",
    "SourceId": "source_id",
    "At": "at",
    "Debit": "debit",
    "Credit": "credit",
    "Amount": "amount",
    "Currency": "currency",
}
"""Ours: nobody publishes one."""
