//! The connector for directories against servers that nobody here wrote, judged by their own tools.

mod changes;
mod ds389;
mod layouts;
mod openldap;
mod outages;
mod samba;
mod secrets;
mod surroundings;
