"""What addresses, phone numbers and tax numbers look like, country by country.

Sources: ISO 3166, ITU-T E.164 calling codes, the postal unions' and tax offices' published formats. The
eleven countries with a registration pattern are those of ``20-subscriptions-customers`` section 7; their
patterns follow the company identifier of each tax office (INN, EDRPOU, BIN, adószám ...).
"""

from collections.abc import Mapping
from types import MappingProxyType

from comptoir.customers.model import CountryRules
from comptoir.customers.states import STATES


def _country(
    iso2: str,
    name: str,
    cultures: str,
    calling_codes: str,
    postal: str = "",
    /,
    *,
    vat: str = "",
    tax: tuple[str, str] | None = None,
    registration: str = "",
    postal_optional: bool = False,
    city_optional: bool = False,
    state_required: bool = False,
) -> CountryRules:
    """One row. ``postal``, ``vat`` and ``registration`` are patterns of the whole text; ``tax`` is a picture
    of the tax id (9 a digit, A a letter, X either) with a sample."""
    codes = tuple(calling_codes.split())
    return CountryRules(
        iso2=iso2,
        name=name,
        cultures=tuple(cultures.split()),
        languages=tuple(dict.fromkeys(culture.partition("-")[0] for culture in cultures.split())),
        calling_codes=codes,
        postal_code_pattern=f"^(?:{postal})$" if postal else "",
        is_postal_code_required=bool(postal) and not postal_optional,
        is_city_required=not city_optional,
        is_state_required=state_required or iso2 in STATES,
        states=STATES.get(iso2, {}),
        phone_pattern=rf"^(?:\+?(?:{'|'.join(codes)}))?[0-9 ().\-/]{{4,24}}$",
        is_vat_id_supported=bool(vat),
        vat_id_pattern=f"^(?:{vat})$" if vat else "",
        is_tax_id_supported=tax is not None,
        tax_id_format=tax[0] if tax else "",
        tax_id_sample=tax[1] if tax else "",
        registration_pattern=f"^(?:{registration})$" if registration else "",
    )


_CANADIAN_POSTAL = "[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] ?[0-9][ABCEGHJ-NPRSTV-Z][0-9]"
_BRITISH_POSTAL = "GIR ?0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
_BRITISH_VAT = "GB(?:[0-9]{9}|[0-9]{12}|GD[0-4][0-9]{2}|HA[5-9][0-9]{2})"
_IRISH_VAT = "IE(?:[0-9]{7}[A-W][A-I]?|[0-9][A-Z+*][0-9]{5}[A-W])"
_SWISS_VAT = r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3} ?(?:MWST|TVA|IVA)"

_TABLE = (
    # Europe
    _country("AL", "Albania", "sq-AL", "355", "[0-9]{4}", vat="(?:AL)?[JKLM][0-9]{8}[A-Z]"),
    _country("AD", "Andorra", "ca-AD", "376", "AD[1-7]00"),
    _country("AT", "Austria", "de-AT", "43", "[0-9]{4}", vat="ATU[0-9]{8}"),
    _country(
        "BY",
        "Belarus",
        "be-BY ru-BY",
        "375",
        "[0-9]{6}",
        tax=("999999999", "190190190"),
        registration="[0-9]{9}",
    ),
    _country("BE", "Belgium", "nl-BE fr-BE de-BE", "32", "[1-9][0-9]{3}", vat="BE[01][0-9]{9}"),
    _country("BA", "Bosnia and Herzegovina", "bs-Latn-BA hr-BA", "387", "[0-9]{5}", vat="[0-9]{12}"),
    _country("BG", "Bulgaria", "bg-BG", "359", "[0-9]{4}", vat="BG[0-9]{9,10}"),
    _country("HR", "Croatia", "hr-HR", "385", "[0-9]{5}", vat="HR[0-9]{11}"),
    _country("CY", "Cyprus", "el-CY en-CY", "357", "[0-9]{4}", vat="CY[0-9]{8}[A-Z]"),
    _country("CZ", "Czechia", "cs-CZ", "420", "[0-9]{3} ?[0-9]{2}", vat="CZ[0-9]{8,10}"),
    _country("DK", "Denmark", "da-DK", "45", "[0-9]{4}", vat="DK[0-9]{8}"),
    _country("EE", "Estonia", "et-EE", "372", "[0-9]{5}", vat="EE[0-9]{9}"),
    _country("FI", "Finland", "fi-FI sv-FI", "358", "[0-9]{5}", vat="FI[0-9]{8}"),
    _country("FR", "France", "fr-FR", "33", "[0-9]{5}", vat="FR[0-9A-HJ-NP-Z]{2}[0-9]{9}"),
    _country("DE", "Germany", "de-DE", "49", "[0-9]{5}", vat="DE[0-9]{9}"),
    _country("GR", "Greece", "el-GR", "30", "[0-9]{3} ?[0-9]{2}", vat="EL[0-9]{9}"),
    _country(
        "HU",
        "Hungary",
        "hu-HU",
        "36",
        "[0-9]{4}",
        vat="HU[0-9]{8}",
        registration="[0-9]{8}(?:-?[1-5]-?[0-9]{2})?",
    ),
    _country("IS", "Iceland", "is-IS", "354", "[0-9]{3}", vat="[0-9]{5,6}"),
    _country(
        "IE",
        "Ireland",
        "en-IE ga-IE",
        "353",
        "(?:[AC-FHKNPRTV-Y][0-9]{2}|D6W) ?[0-9AC-FHKNPRTV-Y]{4}",
        vat=_IRISH_VAT,
        postal_optional=True,
    ),
    _country("IT", "Italy", "it-IT", "39", "[0-9]{5}", vat="IT[0-9]{11}"),
    _country("LV", "Latvia", "lv-LV", "371", "(?:LV-)?[0-9]{4}", vat="LV[0-9]{11}"),
    _country("LI", "Liechtenstein", "de-LI", "423", "94(?:8[5-9]|9[0-8])", vat="[0-9]{5}"),
    _country("LT", "Lithuania", "lt-LT", "370", "(?:LT-)?[0-9]{5}", vat="LT(?:[0-9]{9}|[0-9]{12})"),
    _country("LU", "Luxembourg", "fr-LU de-LU lb-LU", "352", "(?:L-)?[0-9]{4}", vat="LU[0-9]{8}"),
    _country("MT", "Malta", "mt-MT en-MT", "356", "[A-Z]{3} ?[0-9]{4}", vat="MT[0-9]{8}"),
    _country(
        "MD",
        "Moldova",
        "ro-MD",
        "373",
        "(?:MD-?)?[0-9]{4}",
        tax=("9999999999999", "1003600012345"),
        registration="[0-9]{13}",
    ),
    _country("MC", "Monaco", "fr-MC", "377", "980[0-9]{2}", vat="FR[0-9A-HJ-NP-Z]{2}[0-9]{9}"),
    _country("ME", "Montenegro", "sr-Latn-ME", "382", "8[0-9]{4}", tax=("99999999", "02012345")),
    _country("NL", "Netherlands", "nl-NL", "31", "[1-9][0-9]{3} ?[A-Z]{2}", vat="NL[0-9]{9}B[0-9]{2}"),
    _country("MK", "North Macedonia", "mk-MK", "389", "[0-9]{4}", vat="(?:MK)?[0-9]{13}"),
    _country("NO", "Norway", "nb-NO", "47", "[0-9]{4}", vat="(?:NO)?[0-9]{9}(?:MVA)?"),
    _country("PL", "Poland", "pl-PL", "48", "[0-9]{2}-[0-9]{3}", vat="PL[0-9]{10}"),
    _country("PT", "Portugal", "pt-PT", "351", "[0-9]{4}-[0-9]{3}", vat="PT[0-9]{9}"),
    _country("RO", "Romania", "ro-RO", "40", "[0-9]{6}", vat="RO[0-9]{2,10}"),
    _country(
        "RU",
        "Russia",
        "ru-RU",
        "7",
        "[0-9]{6}",
        tax=("9999999999", "7701234567"),
        registration="[0-9]{10}|[0-9]{12}",
    ),
    _country("RS", "Serbia", "sr-Latn-RS sr-Cyrl-RS", "381", "[0-9]{5,6}", vat="[0-9]{9}"),
    _country("SK", "Slovakia", "sk-SK", "421", "[0-9]{3} ?[0-9]{2}", vat="SK[0-9]{10}"),
    _country("SI", "Slovenia", "sl-SI", "386", "(?:SI-)?[0-9]{4}", vat="SI[0-9]{8}"),
    _country("ES", "Spain", "es-ES ca-ES eu-ES gl-ES", "34", "[0-9]{5}", vat="ES[A-Z0-9][0-9]{7}[A-Z0-9]"),
    _country("SE", "Sweden", "sv-SE", "46", "[0-9]{3} ?[0-9]{2}", vat="SE[0-9]{12}"),
    _country("CH", "Switzerland", "de-CH fr-CH it-CH", "41", "[1-9][0-9]{3}", vat=_SWISS_VAT),
    _country("TR", "Türkiye", "tr-TR", "90", "[0-9]{5}", tax=("9999999999", "1234567890")),
    _country("UA", "Ukraine", "uk-UA", "380", "[0-9]{5}", vat="[0-9]{12}", registration="[0-9]{8}|[0-9]{10}"),
    _country("GB", "United Kingdom", "en-GB", "44", _BRITISH_POSTAL, vat=_BRITISH_VAT),
    # Caucasus and Central Asia
    _country(
        "AM", "Armenia", "hy-AM", "374", "[0-9]{4}", tax=("99999999", "01234567"), registration="[0-9]{8}"
    ),
    _country(
        "AZ",
        "Azerbaijan",
        "az-Latn-AZ",
        "994",
        "(?:AZ ?)?[0-9]{4}",
        tax=("9999999999", "1400012341"),
        registration="[0-9]{10}",
    ),
    _country("GE", "Georgia", "ka-GE", "995", "[0-9]{4}", tax=("999999999", "204567891")),
    _country(
        "KZ",
        "Kazakhstan",
        "kk-KZ ru-KZ",
        "7",
        "[0-9]{6}|[A-Z][0-9]{2}[A-Z][0-9][A-Z][0-9]",
        tax=("999999999999", "010140001234"),
        registration="[0-9]{12}",
    ),
    _country(
        "KG",
        "Kyrgyzstan",
        "ky-KG ru-KG",
        "996",
        "[0-9]{6}",
        tax=("99999999999999", "01234567890123"),
        registration="[0-9]{14}",
    ),
    _country("MN", "Mongolia", "mn-MN", "976", "[0-9]{5}", tax=("9999999", "2012345")),
    _country(
        "TJ",
        "Tajikistan",
        "tg-Cyrl-TJ",
        "992",
        "[0-9]{6}",
        tax=("999999999", "010012345"),
        registration="[0-9]{9}",
    ),
    _country(
        "UZ",
        "Uzbekistan",
        "uz-Latn-UZ",
        "998",
        "[0-9]{6}",
        tax=("999999999", "200123456"),
        registration="[0-9]{9}",
    ),
    # The Americas
    _country(
        "AR",
        "Argentina",
        "es-AR",
        "54",
        "(?:[A-HJ-NP-Z])?[0-9]{4}(?:[A-Z]{3})?",
        tax=("99-99999999-9", "30-12345678-1"),
    ),
    _country("BO", "Bolivia", "es-BO", "591", tax=("9999999999", "1020304050")),
    _country(
        "BR",
        "Brazil",
        "pt-BR",
        "55",
        "[0-9]{5}-?[0-9]{3}",
        tax=("99.999.999/9999-99", "12.345.678/0001-95"),
        state_required=True,
    ),
    _country("CA", "Canada", "en-CA fr-CA", "1", _CANADIAN_POSTAL),
    _country(
        "CL",
        "Chile",
        "es-CL",
        "56",
        "[0-9]{3}-?[0-9]{4}",
        tax=("99999999-X", "76086428-5"),
        postal_optional=True,
    ),
    _country(
        "CO", "Colombia", "es-CO", "57", "[0-9]{6}", tax=("999999999-9", "800197268-4"), postal_optional=True
    ),
    _country(
        "CR", "Costa Rica", "es-CR", "506", "[0-9]{5}", tax=("9999999999", "3101123456"), postal_optional=True
    ),
    _country(
        "DO",
        "Dominican Republic",
        "es-DO",
        "1-809 1-829 1-849",
        "[0-9]{5}",
        tax=("999999999", "101123456"),
        postal_optional=True,
    ),
    _country(
        "EC",
        "Ecuador",
        "es-EC",
        "593",
        "[0-9]{6}",
        tax=("9999999999999", "1790012345001"),
        postal_optional=True,
    ),
    _country("SV", "El Salvador", "es-SV", "503", "[0-9]{4}", postal_optional=True),
    _country("GT", "Guatemala", "es-GT", "502", "[0-9]{5}", postal_optional=True),
    _country("HN", "Honduras", "es-HN", "504", "[0-9]{5}", postal_optional=True),
    _country("JM", "Jamaica", "en-JM", "1-876 1-658"),
    _country("MX", "Mexico", "es-MX", "52", "[0-9]{5}", tax=("AAA999999XXX", "ABC010203AB9")),
    _country("NI", "Nicaragua", "es-NI", "505", "[0-9]{5}", postal_optional=True),
    _country("PA", "Panama", "es-PA", "507", "[0-9]{4}", postal_optional=True),
    _country(
        "PY", "Paraguay", "es-PY", "595", "[0-9]{4}", tax=("99999999-9", "80012345-0"), postal_optional=True
    ),
    _country(
        "PE", "Peru", "es-PE", "51", "[0-9]{5}", tax=("99999999999", "20123456786"), postal_optional=True
    ),
    _country("PR", "Puerto Rico", "es-PR en-PR", "1-787 1-939", "00[679][0-9]{2}(?:-[0-9]{4})?"),
    _country("TT", "Trinidad and Tobago", "en-TT", "1-868", "[0-9]{6}", postal_optional=True),
    _country("US", "United States", "en-US es-US", "1", "[0-9]{5}(?:-[0-9]{4})?"),
    _country("UY", "Uruguay", "es-UY", "598", "[0-9]{5}", tax=("999999999999", "211234560013")),
    _country(
        "VE",
        "Venezuela",
        "es-VE",
        "58",
        "[0-9]{4}",
        tax=("A-99999999-9", "J-12345678-4"),
        postal_optional=True,
    ),
    # Asia and the Pacific
    _country(
        "AU",
        "Australia",
        "en-AU",
        "61",
        "[0-9]{4}",
        tax=("99 999 999 999", "51 824 753 556"),
        state_required=True,
    ),
    _country("BD", "Bangladesh", "bn-BD en-BD", "880", "[0-9]{4}", vat="[0-9]{9}-?[0-9]{4}"),
    _country("KH", "Cambodia", "km-KH", "855", "[0-9]{5,6}", postal_optional=True),
    _country("CN", "China", "zh-CN", "86", "[0-9]{6}"),
    _country("HK", "Hong Kong SAR", "zh-HK en-HK", "852", city_optional=True),
    _country(
        "IN",
        "India",
        "en-IN hi-IN",
        "91",
        "[1-9][0-9]{2} ?[0-9]{3}",
        tax=("99AAAAA9999A9AX", "27ABCDE1234F1Z5"),
        state_required=True,
    ),
    _country(
        "ID", "Indonesia", "id-ID", "62", "[0-9]{5}", tax=("99.999.999.9-999.999", "01.234.567.8-901.000")
    ),
    _country("JP", "Japan", "ja-JP", "81", "[0-9]{3}-?[0-9]{4}", tax=("9999999999999", "1234567890123")),
    _country("KR", "Korea", "ko-KR", "82", "[0-9]{5}", tax=("999-99-99999", "123-45-67891")),
    _country("MO", "Macao SAR", "zh-MO pt-MO", "853", city_optional=True),
    _country(
        "MY", "Malaysia", "ms-MY en-MY", "60", "[0-9]{5}", tax=("A99-9999-99999999", "W10-1808-32000001")
    ),
    _country("NP", "Nepal", "ne-NP", "977", "[0-9]{5}", vat="[0-9]{9}"),
    _country("NZ", "New Zealand", "en-NZ", "64", "[0-9]{4}", tax=("999-999-999", "123-456-789")),
    _country("PK", "Pakistan", "en-PK ur-PK", "92", "[0-9]{5}", tax=("9999999-9", "1234567-8")),
    _country(
        "PH", "Philippines", "en-PH fil-PH", "63", "[0-9]{4}", tax=("999-999-999-999", "123-456-789-000")
    ),
    _country(
        "SG",
        "Singapore",
        "en-SG zh-SG",
        "65",
        "[0-9]{6}",
        tax=("A99999999A", "M90367530E"),
        city_optional=True,
    ),
    _country("LK", "Sri Lanka", "si-LK ta-LK", "94", "[0-9]{5}", vat="[0-9]{9}(?:-?7000)?"),
    _country("TW", "Taiwan", "zh-TW", "886", "[0-9]{3}(?:-?[0-9]{2,3})?", tax=("99999999", "04595257")),
    _country("TH", "Thailand", "th-TH", "66", "[0-9]{5}", tax=("9999999999999", "0105556012345")),
    _country(
        "VN", "Vietnam", "vi-VN", "84", "[0-9]{5,6}", tax=("9999999999", "0101234567"), postal_optional=True
    ),
    # The Middle East and Africa
    _country("DZ", "Algeria", "ar-DZ fr-DZ", "213", "[0-9]{5}"),
    _country("BH", "Bahrain", "ar-BH", "973", "[0-9]{3,4}", vat="[0-9]{15}", postal_optional=True),
    _country("CM", "Cameroon", "fr-CM en-CM", "237"),
    _country("CI", "Côte d'Ivoire", "fr-CI", "225"),
    _country("EG", "Egypt", "ar-EG", "20", "[0-9]{5}", tax=("999-999-999", "123-456-789")),
    _country("ET", "Ethiopia", "am-ET", "251", "[0-9]{4}", postal_optional=True),
    _country("GH", "Ghana", "en-GH", "233"),
    _country("IQ", "Iraq", "ar-IQ ku-Arab-IQ", "964", "[0-9]{5}", postal_optional=True),
    _country("IL", "Israel", "he-IL", "972", "[0-9]{5}(?:[0-9]{2})?", tax=("999999999", "512345678")),
    _country("JO", "Jordan", "ar-JO", "962", "[0-9]{5}", postal_optional=True),
    _country(
        "KE",
        "Kenya",
        "en-KE sw-KE",
        "254",
        "[0-9]{5}",
        tax=("A999999999A", "P051234567X"),
        postal_optional=True,
    ),
    _country("KW", "Kuwait", "ar-KW", "965", "[0-9]{5}", postal_optional=True),
    _country("LB", "Lebanon", "ar-LB", "961", "[0-9]{4}(?: ?[0-9]{4})?", postal_optional=True),
    _country("MA", "Morocco", "ar-MA fr-MA", "212", "[0-9]{5}", tax=("999999999999999", "001234567000089")),
    _country(
        "NG",
        "Nigeria",
        "en-NG",
        "234",
        "[0-9]{6}",
        tax=("99999999-9999", "12345678-0001"),
        postal_optional=True,
    ),
    _country("OM", "Oman", "ar-OM", "968", "[0-9]{3}", vat="OM[0-9]{10}", postal_optional=True),
    _country("QA", "Qatar", "ar-QA", "974"),
    _country("SA", "Saudi Arabia", "ar-SA", "966", "[0-9]{5}(?:-[0-9]{4})?", vat="3[0-9]{13}3"),
    _country("SN", "Senegal", "fr-SN", "221", "[0-9]{5}", postal_optional=True),
    _country("ZA", "South Africa", "en-ZA af-ZA", "27", "[0-9]{4}", vat="4[0-9]{9}"),
    _country("TZ", "Tanzania", "sw-TZ en-TZ", "255", "[0-9]{5}", postal_optional=True),
    _country("TN", "Tunisia", "ar-TN fr-TN", "216", "[0-9]{4}"),
    _country("UG", "Uganda", "en-UG sw-UG", "256"),
    _country("AE", "United Arab Emirates", "ar-AE en-AE", "971", vat="[0-9]{15}"),
)

COUNTRIES: Mapping[str, CountryRules] = MappingProxyType({country.iso2: country for country in _TABLE})
"""The rules of each country that customers can be in, by ISO 3166 two-letter code."""
