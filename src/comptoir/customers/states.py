"""The states, provinces and regions of the four countries whose ``state`` is checked against a list.

The countries are those of ``20-subscriptions-customers`` section 8.3; the codes are ISO 3166-2 without the
country. An address may give the code or one of the names, in any case.
"""

from collections.abc import Mapping

_UNITED_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware
DC District of Columbia;Washington DC|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa
KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota
MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico
NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island
SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington
WV West Virginia|WI Wisconsin|WY Wyoming|AS American Samoa|GU Guam|MP Northern Mariana Islands
PR Puerto Rico|VI Virgin Islands|UM United States Minor Outlying Islands
AA Armed Forces Americas|AE Armed Forces Europe|AP Armed Forces Pacific
"""

_CANADA = """
AB Alberta|BC British Columbia;Colombie-Britannique|MB Manitoba|NB New Brunswick;Nouveau-Brunswick
NL Newfoundland and Labrador;Terre-Neuve-et-Labrador|NS Nova Scotia;Nouvelle-Écosse
NT Northwest Territories;Territoires du Nord-Ouest|NU Nunavut|ON Ontario
PE Prince Edward Island;Île-du-Prince-Édouard|QC Quebec;Québec|SK Saskatchewan|YT Yukon
"""

_CHINA = """
AH Anhui;安徽;安徽省|BJ Beijing;北京;北京市|CQ Chongqing;重庆;重庆市|FJ Fujian;福建;福建省
GD Guangdong;广东;广东省|GS Gansu;甘肃;甘肃省|GX Guangxi;广西;广西壮族自治区|GZ Guizhou;贵州;贵州省
HA Henan;河南;河南省|HB Hubei;湖北;湖北省|HE Hebei;河北;河北省|HI Hainan;海南;海南省
HL Heilongjiang;黑龙江;黑龙江省|HN Hunan;湖南;湖南省|JL Jilin;吉林;吉林省|JS Jiangsu;江苏;江苏省
JX Jiangxi;江西;江西省|LN Liaoning;辽宁;辽宁省|NM Inner Mongolia;Nei Mongol;内蒙古;内蒙古自治区
NX Ningxia;宁夏;宁夏回族自治区|QH Qinghai;青海;青海省|SC Sichuan;四川;四川省|SD Shandong;山东;山东省
SH Shanghai;上海;上海市|SN Shaanxi;陕西;陕西省|SX Shanxi;山西;山西省|TJ Tianjin;天津;天津市
XJ Xinjiang;新疆;新疆维吾尔自治区|XZ Tibet;Xizang;西藏;西藏自治区|YN Yunnan;云南;云南省
ZJ Zhejiang;浙江;浙江省
"""

_MEXICO = """
AGU Aguascalientes;AGS|BCN Baja California;BC|BCS Baja California Sur|CAM Campeche;CAMP|CHP Chiapas;CHIS
CHH Chihuahua;CHIH|CMX Ciudad de México;Ciudad de Mexico;CDMX;Distrito Federal;DF
COA Coahuila;Coahuila de Zaragoza;COAH|COL Colima|DUR Durango;DGO|GUA Guanajuato;GTO|GRO Guerrero
HID Hidalgo;HGO|JAL Jalisco|MEX México;Mexico;Estado de México;Estado de Mexico|MIC Michoacán;Michoacan;MICH
MOR Morelos|NAY Nayarit|NLE Nuevo León;Nuevo Leon;NL|OAX Oaxaca|PUE Puebla|QUE Querétaro;Queretaro;QRO
ROO Quintana Roo;QROO|SLP San Luis Potosí;San Luis Potosi|SIN Sinaloa|SON Sonora|TAB Tabasco
TAM Tamaulipas;TAMPS|TLA Tlaxcala;TLAX|VER Veracruz|YUC Yucatán;Yucatan|ZAC Zacatecas
"""


def _read(table: str) -> Mapping[str, tuple[str, ...]]:
    entries = (entry.partition(" ") for entry in table.strip().replace("\n", "|").split("|"))
    return {code: tuple(names.split(";")) for code, _, names in entries}


STATES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "US": _read(_UNITED_STATES),
    "CA": _read(_CANADA),
    "CN": _read(_CHINA),
    "MX": _read(_MEXICO),
}
"""Country to state code to the state's names."""
