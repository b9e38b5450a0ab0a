//! What a guest may say to a directory: controls and extended operations on a list, passwords only where passwords belong,
//! and no question about one.
//!
//! | refused | because |
//! |---|---|
//! | any extended operation but `Who am I?` | StartTLS and transactions change the session, password modify has its own function |
//! | proxied authorization, paging, refresh-and-persist | whose rights are used, and when a search ends, is not a guest's to say |
//! | tree delete, relax rules and whatever is not on the list | nobody judged what they can do |
//! | a password attribute in a filter, a sort, a pre- or post-read | guessed often enough, it would be told |
//! | a secret in any other attribute | it could be read there |
//! | an attribute by its number | it might be a password's (`attribute`) |

use super::attribute::{asked_about, named};
use super::ber::{ENUMERATED, OCTETS, Reader, SEQUENCE};
use super::filter::{self, Filter};
use super::limits::CONTROLS_MAX;
use super::message::{Control, SearchRequest};
use super::writes::Write;
use crate::model::{Failure, FailureKind};

/// Who am I? (RFC 4532).
const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";
/// Content synchronisation (RFC 4533, 2.2).
const SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
/// Its mode that ends.
const REFRESH_ONLY: u32 = 1;
/// Assertion (RFC 4528).
const ASSERTION: &str = "1.3.6.1.1.12";
/// Pre-read and post-read (RFC 4527).
pub(super) const READS: [&str; 2] = ["1.3.6.1.1.13.1", "1.3.6.1.1.13.2"];
/// Server-side sorting (RFC 2891).
const SORT: &str = "1.2.840.113556.1.4.473";

/// Controls that are harmless whatever they say.
const HARMLESS: [&str; 11] = [
    "2.16.840.1.113730.3.4.2", // ManageDsaIT (RFC 3296)
    "1.3.6.1.4.1.4203.1.10.1", // subentries (RFC 3672)
    "1.2.840.113556.1.4.841",  // DirSync
    "1.2.840.113556.1.4.417",  // show deleted
    "1.2.840.113556.1.4.2064", // show recycled
    "1.2.840.113556.1.4.529",  // extended DN
    "1.2.840.113556.1.4.801",  // SD flags
    "1.2.840.113556.1.4.1339", // domain scope
    "1.2.840.113556.1.4.1413", // permissive modify
    "1.2.840.113556.1.4.2239", // policy hints
    "1.2.840.113556.1.4.2066", // policy hints, by their first number
];

/// May the guest have this extended operation?
///
/// # Errors
/// `unsupported`, naming those there are.
pub(super) fn extended(oid: &str) -> Result<(), Failure> {
    if oid == WHO_AM_I {
        return Ok(());
    }
    let message = format!("the extended operation {oid:?} is not on the host's list, which has {WHO_AM_I} (Who am I?)");
    Err(Failure::new(FailureKind::Unsupported, message))
}

/// May the guest ask with this filter?
///
/// # Errors
/// `credential-denied` if it asks about a password.
pub(super) fn filter(filter: &Filter) -> Result<(), Failure> {
    let asked = filter.attributes().map_err(|_| {
        Failure::new(
            FailureKind::CredentialDenied,
            "what the filter asks about cannot be told, and might be a password",
        )
    })?;
    nothing_secret(&asked)
}

/// May the guest ask for these attributes? For passwords it may: they are left out of what is found.
///
/// # Errors
/// `credential-denied` for one that is not asked for by its name.
pub(super) fn attributes(request: &SearchRequest) -> Result<(), Failure> {
    // All of the user's, all of the server's, none (RFC 4511, 4.5.1.8; RFC 3673); all of a class (RFC 4529).
    let by_name = |asked: &str| match asked {
        "*" | "+" | "1.1" => Ok(()),
        other => named(other.strip_prefix('@').unwrap_or(other)),
    };
    request.attributes.iter().try_for_each(|asked| by_name(asked))
}

/// May the guest write there?
///
/// # Errors
/// `credential-denied` where an attribute is not named by its name, or a new name would hold a password.
pub(super) fn write(write: &Write) -> Result<(), Failure> {
    match write {
        Write::Add { attributes, .. } => attributes.iter().try_for_each(|attribute| named(&attribute.name)),
        Write::Modify { changes, .. } => changes.iter().try_for_each(|change| named(&change.attribute.name)),
        // A name is a value of the entry too, and some servers say whether it had it before.
        Write::Rename { new_rdn, .. } => {
            // A semicolon begins an option (RFC 4512, 2.5), and parted names once (RFC 2253, 4).
            types(new_rdn, &['+', ',']).chain(types(new_rdn, &['+', ',', ';'])).try_for_each(asked_about)
        }
        Write::Delete { .. } | Write::SetPassword { .. } => Ok(()),
    }
}

/// The attributes of a relative distinguished name (RFC 4514) whose parts these letters separate.
fn types<'a>(rdn: &'a str, separators: &'static [char]) -> impl Iterator<Item = &'a str> {
    let mut escaped = false;
    let separates = move |letter: char| {
        let plain = !escaped;
        escaped = plain && letter == '\\';
        plain && separators.contains(&letter)
    };
    rdn.split(separates).filter_map(|part| part.split_once('=')).map(|(name, _)| name.trim())
}

/// May the guest send these controls?
///
/// # Errors
/// `unsupported` for those that are not on the list; `credential-denied` if one asks about a password.
pub(super) fn controls(controls: &[Control]) -> Result<(), Failure> {
    if controls.len() > CONTROLS_MAX {
        let message = format!("{} controls; a request may have {CONTROLS_MAX}", controls.len());
        return Err(Failure::new(FailureKind::QuotaExceeded, message));
    }
    controls.iter().try_for_each(control)
}

fn control(control: &Control) -> Result<(), Failure> {
    let value = control.value.as_deref().unwrap_or_default();
    let odd = |_| refused(&control.oid, "cannot be read");
    match control.oid.as_str() {
        oid if HARMLESS.contains(&oid) => Ok(()),
        SYNC => {
            let mode =
                Reader::new(value).enter(SEQUENCE).and_then(|mut parts| parts.number(ENUMERATED)).map_err(odd)?;
            if mode == REFRESH_ONLY { Ok(()) } else { Err(refused(SYNC, "never ends unless it is refresh-only")) }
        }
        ASSERTION => {
            let asked = filter::attributes(value).map_err(odd)?;
            nothing_secret(&asked)
        }
        oid if READS.contains(&oid) => {
            let asked = texts(value).map_err(odd)?;
            let all = asked.is_empty() || asked.iter().any(|name| name == "*" || name == "+");
            if all { Err(refused(oid, "has to name what it reads")) } else { nothing_secret(&asked) }
        }
        SORT => {
            let asked = sort_keys(value).map_err(odd)?;
            nothing_secret(&asked)
        }
        oid => Err(refused(oid, "is not on the host's list")),
    }
}

fn texts(value: &[u8]) -> Result<Vec<String>, super::ber::Malformed> {
    let (mut list, mut texts) = (Reader::new(value).enter(SEQUENCE)?, Vec::new());
    while !list.is_empty() {
        texts.push(list.text(OCTETS)?);
    }
    Ok(texts)
}

fn sort_keys(value: &[u8]) -> Result<Vec<String>, super::ber::Malformed> {
    let (mut list, mut keys) = (Reader::new(value).enter(SEQUENCE)?, Vec::new());
    while !list.is_empty() {
        keys.push(list.enter(SEQUENCE)?.text(OCTETS)?);
    }
    Ok(keys)
}

fn nothing_secret(asked: &[String]) -> Result<(), Failure> {
    asked.iter().try_for_each(|name| asked_about(name))
}

fn refused(oid: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, format!("the control {oid} {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::ber::{INTEGER, Writer};
    use super::super::message::{Deref, Modification, NewAttribute, Operation, Scope};
    use super::*;

    fn told(oid: &str, write: impl FnOnce(&mut Writer)) -> Result<(), FailureKind> {
        let mut writer = Writer::with_capacity(0);
        write(&mut writer);
        let value = Some(writer.finish().to_vec());
        controls(&[Control { oid: oid.to_owned(), critical: true, value }]).map_err(|failure| failure.kind)
    }

    fn sync(writer: &mut Writer, mode: u32) {
        writer.nested(SEQUENCE, |writer| writer.number(ENUMERATED, mode));
    }

    #[test]
    fn controls_that_change_whose_rights_are_used_or_never_end_are_refused() {
        // Proxied authorization, tree delete, paging, transaction, relax rules, one nobody knows.
        for oid in [
            "2.16.840.1.113730.3.4.18",
            "1.2.840.113556.1.4.805",
            "1.2.840.113556.1.4.319",
            "1.3.6.1.1.21.2",
            "1.3.6.1.4.1.4203.666.5.12",
            "1.2.3",
        ] {
            assert_eq!(told(oid, |_| {}), Err(FailureKind::Unsupported), "{oid}");
        }
        assert_eq!(told(SYNC, |writer| sync(writer, 3)), Err(FailureKind::Unsupported));
        assert_eq!(told(SYNC, |writer| sync(writer, 1)), Ok(()));
        assert_eq!(told(SYNC, |writer| writer.number(INTEGER, 1)), Err(FailureKind::Unsupported));
        assert_eq!(told("1.2.840.113556.1.4.841", |_| {}), Ok(()));
    }

    #[test]
    fn no_control_and_no_filter_asks_about_a_password() {
        let read = |name: &'static str| move |writer: &mut Writer| writer.nested(SEQUENCE, |writer| writer.text(name));
        for oid in READS {
            assert_eq!(told(oid, read("entryUUID")), Ok(()));
            assert_eq!(told(oid, read("USERPASSWORD;x")), Err(FailureKind::CredentialDenied));
            assert_eq!(told(oid, read("*")), Err(FailureKind::Unsupported));
            assert_eq!(told(oid, |writer| writer.nested(SEQUENCE, |_| {})), Err(FailureKind::Unsupported));
        }
        let sort = |name: &'static str| {
            move |writer: &mut Writer| {
                writer.nested(SEQUENCE, |writer| writer.nested(SEQUENCE, |writer| writer.text(name)))
            }
        };
        assert_eq!(told(SORT, sort("cn")), Ok(()));
        assert_eq!(told(SORT, sort("unicodePwd")), Err(FailureKind::CredentialDenied));
        let asserted = |text: &'static str| {
            move |writer: &mut Writer| writer.raw(Filter::parse(text).map_err(|_| ()).unwrap().bytes())
        };
        assert_eq!(told(ASSERTION, asserted("(entryCSN=1)")), Ok(()));
        assert_eq!(told(ASSERTION, asserted("(!(|(cn=a)(userPassword=guess*)))")), Err(FailureKind::CredentialDenied));
        let filtered = |text: &str| filter(&Filter::parse(text).map_err(|_| ()).unwrap()).map_err(|why| why.kind);
        assert_eq!(filtered("(&(cn=a)(userPassword:2.5.13.17:=guess))"), Err(FailureKind::CredentialDenied));
        // A rule has a number; what it is asked of has a name.
        assert_eq!(filtered("(userAccountControl:1.2.840.113556.1.4.803:=2)"), Ok(()));
    }

    #[test]
    fn no_number_stands_for_a_password_wherever_attributes_are_named() {
        let denied = Err(FailureKind::CredentialDenied);
        let list = |name: &'static str| move |writer: &mut Writer| writer.nested(SEQUENCE, |writer| writer.text(name));
        let number = || {
            let mut writer = Writer::with_capacity(0);
            writer.nested(0xa3, |writer| {
                writer.text("OID.2.5.4.35");
                writer.text("guess");
            });
            writer.finish()
        };
        for name in ["2.5.4.35", "2.5.4.35;x", "oid.2.5.4.35", "@2.5.6.6", "@inetOrgPerson", "1.1"] {
            for oid in READS {
                assert_eq!(told(oid, list(name)), denied, "{name}");
            }
            assert_eq!(told(SORT, |writer| writer.nested(SEQUENCE, list(name))), denied, "{name}");
        }
        assert_eq!(told(ASSERTION, |writer| writer.raw(&number())), denied);
        for text in ["(2.5.4.35=guess)", "(|(cn=a)(!(2.5.4.35=g*)))", "(2.5.4.35:2.5.13.17:=x)", "(oid.2.5.4.35;y>=g)"]
        {
            let asked = Filter::parse(text).map_err(|_| ()).unwrap();
            assert_eq!(filter(&asked).map_err(|why| why.kind), denied, "{text}");
        }
        for (asked, allowed) in [("2.5.4.35", false), ("@2.5.6.6", false), ("", false), ("*", true), ("@person", true)]
        {
            let request = SearchRequest { attributes: vec!["cn".into(), asked.into()], ..everything() };
            assert_eq!(attributes(&request).is_ok(), allowed, "{asked}");
        }
        assert!(attributes(&everything()).is_ok());
    }

    fn everything() -> SearchRequest {
        SearchRequest {
            base: String::new(),
            scope: Scope::Base,
            deref: Deref::Never,
            filter: "(cn=*)".into(),
            attributes: ["*", "+", "1.1", "userPassword"].map(str::to_owned).into(),
            page_size: None,
            size_limit: None,
            controls: Vec::new(),
        }
    }

    #[test]
    fn nothing_is_written_under_a_number_and_no_name_holds_a_password() {
        let attribute = |name: &str| NewAttribute { name: name.into(), values: Vec::new() };
        let add = |name: &str| write(&Write::Add { dn: "cn=a".into(), attributes: vec![attribute(name)] }).is_ok();
        let modify = |name: &str| {
            let change = Modification { operation: Operation::Delete, attribute: attribute(name) };
            write(&Write::Modify { dn: "cn=a".into(), changes: vec![change] }).is_ok()
        };
        assert!(add("userPassword") && modify("userPassword") && modify("member"));
        assert!(!add("2.5.4.35") && !modify("2.5.4.35") && !modify("OID.1.2.840.113556.1.4.90;x"));
        let rename = |new_rdn: &str| {
            let new_rdn = new_rdn.to_owned();
            write(&Write::Rename { dn: "cn=a".into(), new_rdn, delete_old: false, new_superior: None }).is_ok()
        };
        for fine in ["cn=b", "CN=Jane \\, Doe", "cn=C\\+\\+ 2.0=x+uid=a", "uid=a\\\\+sn=x=2.5.4.35=y"] {
            assert!(rename(fine), "{fine}");
        }
        for odd in ["userPassword=guess", "cn=b+2.5.4.35=guess", "cn=b + USERPASSWORD;x=g", "cn=a\\\\+2.5.4.35=g"] {
            assert!(!rename(odd), "{odd}");
        }
    }

    #[test]
    fn the_only_extended_operation_is_the_question_who_one_is() {
        assert!(extended(WHO_AM_I).is_ok());
        for oid in [
            super::super::message::START_TLS,
            super::super::message::PASSWORD_MODIFY,
            "1.3.6.1.1.21.1",
            "1.2.840.113556.1.4.1781",
        ] {
            assert_eq!(extended(oid).unwrap_err().kind, FailureKind::Unsupported);
        }
    }
}
