//! What are things called in an invented fleet? Word lists only, all invented; addresses come from the ranges
//! reserved for documentation. Knows nothing of the rest.

/// Partner's clients: the first word of most names.
pub(super) const CLIENTS: &[&str] = &[
    "Acme Dental",
    "Harbor Marine",
    "Beacon Law LLP",
    "Müller & Sohn",
    "Northwind Traders",
    "Café Lumière",
    "Summit Orthopedics",
    "Pine Street Clinic",
    "Granite Works",
    "Delta Freight",
    "Oak Hill School",
    "Riverside Foods",
];

/// Roles of protected machines; the number that follows makes them differ.
pub(super) const ROLES: &[&str] = &["DC", "SQL", "FS", "APP", "WEB", "RDS", "EXCH", "WS", "Büro & Lager "];

/// Models an appliance may be, as the device list states them.
pub(super) const MODELS: &[&str] = &["S3B2000", "S3B5000", "S4P4", "S5-2", "ALTO3A1000", "S4E12"];

/// Operating systems of agents, as the asset list states them.
pub(super) const SYSTEMS: &[&str] =
    &["Windows Server 2022", "Windows Server 2019", "Windows 11 Pro", "Ubuntu 22.04.4 LTS"];

/// First six digits of serials: appliances are named by a hardware address.
pub(super) const SERIAL_PREFIXES: &[&str] = &["D05099", "E43A6E", "0CC47A", "AC1F6B", "002590"];

/// What plans are called. The local-only one stands apart: it is what "no offsite copy" is read from.
pub(super) const PLANS: &[&str] =
    &["SIRIS 5 2TB - 1 Year TBR", "Infinite Cloud Retention", "ALTO 1TB - 1 Year TBR"];

/// The plan of an appliance that keeps no offsite copy.
pub(super) const LOCAL_ONLY_PLAN: &str = "ALTO Local Only";

/// The plan of Datto Backup for Azure.
pub(super) const AZURE_PLAN: &str = "Datto Backup for Microsoft Azure";

/// Text read from failed boot screens. Third-party text at its worst: a raw form feed (the character that once
/// broke strict parsers of the live feed), markup, terminal codes, several lines, the end of a CDATA section, a
/// change of writing direction, a formula for spreadsheets.
pub(super) const HOSTILE_TEXTS: &[&str] = &[
    "Recovery & Startup Repair\u{c}Press F8",
    "<script>alert(\"boot\")</script><b>No bootable device",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mBOOTMGR is missing\u{1b}[0m",
    "A problem has been detected\r\nand Windows has been shut down\n\tto prevent ]]> damage",
    "\u{202e}gnp.toob\u{202c} Grub> \u{0}\u{8}_",
    "=HYPERLINK(\"http://192.0.2.1/\",\"click\"),\"two\";three",
];
