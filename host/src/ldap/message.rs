//! Messages (RFC 4511, 4.1.1): requests written, answers read. Nothing here decides anything.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTETS, Reader, SEQUENCE, SET, Writer, number};
use super::filter::Filter;
use super::limits::{CONTROLS_MAX, REFERRALS_MAX};

/// StartTLS (RFC 4511, 4.14).
pub(super) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Password modify (RFC 3062).
pub(super) const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

const VERSION: u32 = 3;
const BIND: u8 = 0x60;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const MODIFY: u8 = 0x66;
const ADD: u8 = 0x68;
const DELETE: u8 = 0x4a;
const RENAME: u8 = 0x6c;
const EXTENDED: u8 = 0x77;
const CONTROLS: u8 = 0xa0;

const ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const BIND_DONE: u8 = 0x61;
const MODIFY_DONE: u8 = 0x67;
const ADD_DONE: u8 = 0x69;
const DELETE_DONE: u8 = 0x6b;
const RENAME_DONE: u8 = 0x6d;
const EXTENDED_DONE: u8 = 0x78;
const INTERMEDIATE: u8 = 0x79;

/// More about a request or an answer (RFC 4511, 4.1.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub oid: String,
    pub critical: bool,
    pub value: Option<Vec<u8>>,
}

/// Something said between the entries of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intermediate {
    pub oid: Option<String>,
    pub value: Option<Vec<u8>>,
    pub controls: Vec<Control>,
}

/// How an operation ended (RFC 4511, 4.1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) diagnostic: String,
    pub(super) referrals: Vec<String>,
    pub(super) controls: Vec<Control>,
    /// Of an extended operation.
    pub(super) name: Option<String>,
    pub(super) value: Option<Vec<u8>>,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// An entry of a search, not yet taken apart.
    Entry(Bytes, Vec<Control>),
    Intermediate(Intermediate),
    Reference(Vec<String>),
    Done(Outcome),
}

/// Which entries below the base (RFC 4511, 4.5.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Base,
    OneLevel,
    Subtree,
}

/// When aliases are followed (RFC 4511, 4.5.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deref {
    Never,
    Searching,
    Finding,
    Always,
}

/// A search to be begun.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    pub base: String,
    pub scope: Scope,
    pub deref: Deref,
    /// RFC 4515.
    pub filter: String,
    pub attributes: Vec<String>,
    /// Entries a page has, where the host is to page.
    pub page_size: Option<u32>,
    pub size_limit: Option<u32>,
    pub controls: Vec<Control>,
}

/// What a modification does with its values (RFC 4511, 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Add,
    Delete,
    Replace,
}

/// Values to be written; passwords among them.
pub struct NewAttribute {
    pub name: String,
    pub values: Vec<Zeroizing<Vec<u8>>>,
}

/// One change of an entry.
pub struct Modification {
    pub operation: Operation,
    pub attribute: NewAttribute,
}

/// How a session logs in.
pub(super) enum Bind<'a> {
    Simple {
        dn: &'a str,
        password: &'a [u8],
    },
    /// SASL EXTERNAL (RFC 4422, appendix A).
    External,
}

/// What is asked.
pub(super) enum Request<'a> {
    Bind(Bind<'a>),
    Search { request: &'a SearchRequest, filter: &'a Filter },
    Add { dn: &'a str, attributes: &'a [NewAttribute] },
    Modify { dn: &'a str, changes: &'a [Modification] },
    Delete { dn: &'a str },
    Rename { dn: &'a str, new_rdn: &'a str, delete_old: bool, new_superior: Option<&'a str> },
    Extended { oid: &'a str, value: Option<&'a [u8]> },
    Unbind,
}

impl Request<'_> {
    /// The message, ready to be sent.
    pub(super) fn message(&self, id: u32, controls: &[Control]) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(512);
        writer.nested(SEQUENCE, |writer| {
            writer.number(INTEGER, id);
            self.write(writer);
            if !controls.is_empty() {
                writer.nested(CONTROLS, |writer| controls.iter().for_each(|control| control.write(writer)));
            }
        });
        writer.finish()
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Bind(bind) => writer.nested(BIND, |writer| bind.write(writer)),
            Self::Search { request, filter } => writer.nested(SEARCH, |writer| request.write(filter, writer)),
            Self::Add { dn, attributes } => writer.nested(ADD, |writer| {
                writer.text(dn);
                writer.nested(SEQUENCE, |writer| attributes.iter().for_each(|attribute| attribute.write(writer)));
            }),
            Self::Modify { dn, changes } => writer.nested(MODIFY, |writer| {
                writer.text(dn);
                writer.nested(SEQUENCE, |writer| changes.iter().for_each(|change| change.write(writer)));
            }),
            Self::Delete { dn } => writer.octets(DELETE, dn.as_bytes()),
            Self::Rename { dn, new_rdn, delete_old, new_superior } => writer.nested(RENAME, |writer| {
                writer.text(dn);
                writer.text(new_rdn);
                writer.boolean(BOOLEAN, *delete_old);
                new_superior.iter().for_each(|superior| writer.octets(0x80, superior.as_bytes()));
            }),
            Self::Extended { oid, value } => writer.nested(EXTENDED, |writer| {
                writer.octets(0x80, oid.as_bytes());
                value.iter().for_each(|value| writer.octets(0x81, value));
            }),
            Self::Unbind => writer.octets(UNBIND, &[]),
        }
    }
}

impl Bind<'_> {
    fn write(&self, writer: &mut Writer) {
        writer.number(INTEGER, VERSION);
        match self {
            Self::Simple { dn, password } => {
                writer.text(dn);
                writer.octets(0x80, password);
            }
            Self::External => {
                writer.text("");
                // The empty answer says: as whom the certificate says. Without it, a server would ask for one.
                writer.nested(0xa3, |writer| {
                    writer.text("EXTERNAL");
                    writer.text("");
                });
            }
        }
    }
}

impl SearchRequest {
    fn write(&self, filter: &Filter, writer: &mut Writer) {
        writer.text(&self.base);
        writer.number(ENUMERATED, self.scope as u32);
        writer.number(ENUMERATED, self.deref as u32);
        writer.number(INTEGER, self.size_limit.unwrap_or(0).min(i32::MAX as u32));
        // No time limit of the server's: the call has its deadline.
        writer.number(INTEGER, 0);
        writer.boolean(BOOLEAN, false);
        writer.raw(filter.bytes());
        writer.nested(SEQUENCE, |writer| self.attributes.iter().for_each(|name| writer.text(name)));
    }
}

impl NewAttribute {
    fn write(&self, writer: &mut Writer) {
        writer.nested(SEQUENCE, |writer| {
            writer.text(&self.name);
            writer.nested(SET, |writer| self.values.iter().for_each(|value| writer.octets(OCTETS, value)));
        });
    }

    fn bytes(&self) -> usize {
        self.name.len() + self.values.iter().map(|value| value.len() + 6).sum::<usize>()
    }
}

impl Modification {
    fn write(&self, writer: &mut Writer) {
        writer.nested(SEQUENCE, |writer| {
            writer.number(ENUMERATED, self.operation as u32);
            self.attribute.write(writer);
        });
    }
}

/// About how many bytes some attributes take.
pub(super) fn size<'a>(attributes: impl IntoIterator<Item = &'a NewAttribute>) -> usize {
    attributes.into_iter().map(NewAttribute::bytes).sum()
}

/// The value of a password modify request (RFC 3062, 2).
pub(super) fn password_modify(dn: &str, old: Option<&[u8]>, new: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::with_capacity(dn.len() + new.len() + old.map_or(0, <[u8]>::len) + 32);
    writer.nested(SEQUENCE, |writer| {
        writer.octets(0x80, dn.as_bytes());
        old.iter().for_each(|old| writer.octets(0x81, old));
        writer.octets(0x82, new);
    });
    writer.finish()
}

impl Control {
    fn write(&self, writer: &mut Writer) {
        writer.nested(SEQUENCE, |writer| {
            writer.text(&self.oid);
            if self.critical {
                writer.boolean(BOOLEAN, true);
            }
            self.value.iter().for_each(|value| writer.octets(OCTETS, value));
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut parts = reader.enter(SEQUENCE)?;
        let oid = parts.text(OCTETS)?;
        let critical = parts.optional(BOOLEAN)?.is_some_and(|yes| yes != [0]);
        let value = parts.optional(OCTETS)?.map(<[u8]>::to_vec);
        Ok(Self { oid, critical, value })
    }
}

impl Answer {
    /// A whole message: whom it answers, and what it says.
    pub(super) fn read(message: &Bytes) -> Result<(u32, Self), Malformed> {
        let mut reader = Reader::new(message).enter(SEQUENCE)?;
        let id = reader.number(INTEGER)?;
        let (tag, content) = reader.element()?;
        let controls = controls(&mut reader)?;
        let mut parts = Reader::new(content);
        let answer = match tag {
            ENTRY => Self::Entry(message.slice_ref(content), controls),
            REFERENCE => Self::Reference(places(parts)?),
            INTERMEDIATE => {
                let oid = parts.optional(0x80)?.map(|oid| String::from_utf8_lossy(oid).into_owned());
                let value = parts.optional(0x81)?.map(<[u8]>::to_vec);
                Self::Intermediate(Intermediate { oid, value, controls })
            }
            SEARCH_DONE | BIND_DONE | MODIFY_DONE | ADD_DONE | DELETE_DONE | RENAME_DONE | EXTENDED_DONE => {
                Self::Done(outcome(&mut parts, controls)?)
            }
            _ => return Err(Malformed),
        };
        Ok((id, answer))
    }
}

fn controls(reader: &mut Reader<'_>) -> Result<Vec<Control>, Malformed> {
    let Some(content) = reader.optional(CONTROLS)? else { return Ok(Vec::new()) };
    let (mut reader, mut controls) = (Reader::new(content), Vec::new());
    while !reader.is_empty() {
        controls.push(Control::read(&mut reader)?);
        if controls.len() > CONTROLS_MAX {
            return Err(Malformed);
        }
    }
    Ok(controls)
}

fn outcome(parts: &mut Reader<'_>, controls: Vec<Control>) -> Result<Outcome, Malformed> {
    let code = parts.number(ENUMERATED)?;
    // The part of a name that was found; nobody asks for it.
    parts.expect(OCTETS)?;
    let diagnostic = parts.text(OCTETS)?;
    let referrals = parts.optional(0xa3)?.map_or_else(|| Ok(Vec::new()), |list| places(Reader::new(list)))?;
    // Answers to a SASL bind have a context of their own here, which EXTERNAL does not use.
    parts.optional(0x87)?;
    let name = parts.optional(0x8a)?.map(|name| String::from_utf8_lossy(name).into_owned());
    let value = parts.optional(0x8b)?.map(<[u8]>::to_vec);
    Ok(Outcome { code, diagnostic, referrals, controls, name, value })
}

/// Places that an answer refers to.
fn places(mut reader: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut places = Vec::new();
    while !reader.is_empty() {
        places.push(reader.text(OCTETS)?);
        if places.len() > REFERRALS_MAX {
            return Err(Malformed);
        }
    }
    Ok(places)
}

/// The control of paged results (RFC 2696).
pub(super) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// Asks for the next page; without a cookie for the first.
pub(super) fn paged(size: u32, cookie: &[u8]) -> Control {
    let mut writer = Writer::with_capacity(cookie.len() + 16);
    writer.nested(SEQUENCE, |writer| {
        writer.number(INTEGER, size);
        writer.octets(OCTETS, cookie);
    });
    Control { oid: PAGED_RESULTS.to_owned(), critical: true, value: Some(writer.finish().to_vec()) }
}

/// The cookie of the next page; nothing after the last.
pub(super) fn next_page(controls: &[Control]) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(paged) = controls.iter().find(|control| control.oid == PAGED_RESULTS) else { return Ok(None) };
    let mut parts = Reader::new(paged.value.as_deref().unwrap_or_default()).enter(SEQUENCE)?;
    parts.expect(INTEGER)?;
    let cookie = parts.expect(OCTETS)?;
    Ok((!cookie.is_empty()).then(|| cookie.to_vec()))
}

/// The password policy's control (draft-behera-ldap-password-policy-11, 6).
pub(super) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// Asks for the password policy's part of the answer.
pub(super) fn policy() -> Control {
    Control { oid: PASSWORD_POLICY.to_owned(), critical: false, value: None }
}

/// The error in the password policy's part of the answer.
pub(super) fn policy_error(controls: &[Control]) -> Result<Option<u32>, Malformed> {
    let Some(policy) = controls.iter().find(|control| control.oid == PASSWORD_POLICY) else { return Ok(None) };
    let Some(value) = policy.value.as_deref().filter(|value| !value.is_empty()) else { return Ok(None) };
    let mut parts = Reader::new(value).enter(SEQUENCE)?;
    parts.optional(0xa0)?;
    parts.optional(0x81)?.map(number).transpose()
}
