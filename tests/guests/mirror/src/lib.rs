//! A connector that uses every secret it may, and writes its whole memory into a file after each operation, where a test
//! looks for them. Told so by its option `exit`, it reveals the token and gives it out there.

mod form;
mod memory;

use std::time::Duration;

use form::Form;
use hawser_sdk::credentials::{self, Password, Signature};
use hawser_sdk::{
    Aspect, AttributeInfo, Cell, Choice, ClassInfo, ClassKind, Connector, Error, Finding, Item, ListRequest, Listing,
    Object, ObjectRef, Passwords, Probe, Record, Result, Schema, Source, Syntax, cache, log,
};

/// What its earlier calls kept.
const SESSION: &str = "session";
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Exit {
    None,
    Finding,
    Failure,
    Code,
    Log,
    Cache,
    Choice,
    Schema,
    Uid,
    Name,
    Cell,
    Binary,
    Checkpoint,
}

/// The connector.
#[derive(serde::Deserialize)]
pub struct Mirror {
    exit: Exit,
    form: Form,
}

impl Connector for Mirror {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Mirror {
    /// The token as this exit gives it out, or harmless words.
    fn at(&self, exit: Exit) -> Result<Vec<u8>> {
        if self.exit != exit {
            return Ok(b"harmless".to_vec());
        }
        Ok(self.form.write(&credentials::get("token")?.reveal()?))
    }

    fn text_at(&self, exit: Exit) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.at(exit)?).into_owned())
    }
}

/// Uses every secret of the connection, and says how often it was called since it began: always once.
fn use_all() -> Result<Vec<Finding>> {
    static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let calls = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
    drop(credentials::get("token")?);
    for key in credentials::keys("headers")? {
        drop(credentials::get_key("headers", &key)?);
    }
    let signature = credentials::get("key")?.sign(Signature::HmacSha256, b"message")?;
    let known = credentials::captured(SESSION).is_some();
    credentials::seal(b"a session token of the target")?.keep(SESSION, MINUTE)?;
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(vec![
        Finding::fine(format!("calls: {calls}")),
        Finding::fine(format!("signature: {hex}")),
        Finding::fine(format!("session: {}", if known { "known" } else { "new" })),
    ])
}

impl Probe for Mirror {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        let mut findings = use_all()?;
        log::info(&self.text_at(Exit::Log)?, &[]);
        cache::put("mirror", &self.at(Exit::Cache)?, MINUTE);
        findings.push(Finding::fine(self.text_at(Exit::Finding)?));
        memory::write()?;
        match self.exit {
            Exit::Failure => Err(Error::conflict(self.text_at(Exit::Failure)?)),
            Exit::Code => Err(Error::conflict("see the code").code(self.text_at(Exit::Code)?)),
            _ => Ok(findings),
        }
    }

    fn suggest(&self, _: &str) -> Result<Vec<Choice>> {
        Ok(vec![Choice::new("value", self.text_at(Exit::Choice)?)])
    }
}

impl Schema for Mirror {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let account = ClassInfo::new(ClassKind::Account, "account", self.text_at(Exit::Schema)?);
        let photo = AttributeInfo::new("photo", Syntax::Binary);
        Ok(vec![account.attribute(AttributeInfo::text("mail")).attribute(photo)])
    }
}

impl Source for Mirror {
    fn list(self, _: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        let checkpoint = self.at(Exit::Checkpoint)?;
        Ok(One { object: Some(self.object("listed")?), checkpoint })
    }

    fn get(&self, object: &ObjectRef, _: &[String]) -> Result<Record> {
        Ok(self.object(&object.uid)?.into())
    }
}

impl Mirror {
    fn object(&self, uid: &str) -> Result<Object> {
        let uid = if self.exit == Exit::Uid { self.text_at(Exit::Uid)? } else { uid.to_owned() };
        let object = Object::new(uid, self.text_at(Exit::Name)?);
        Ok(object.set("mail", self.text_at(Exit::Cell)?).set("photo", Cell::Binary(self.at(Exit::Binary)?)))
    }
}

/// A listing of one object, with a checkpoint.
struct One {
    object: Option<Object>,
    checkpoint: Vec<u8>,
}

impl Listing<Record> for One {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.object.take().map(|object| Ok(object.into()))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        Some(self.checkpoint.clone())
    }
}

impl Passwords for Mirror {
    fn set_password(&self, _: &ObjectRef, new: &Password<'_>, _: bool) -> Result<()> {
        if self.exit == Exit::Failure {
            return Err(Error::conflict(String::from_utf8_lossy(&self.form.write(&new.reveal()?))));
        }
        let hash = new.hash()?;
        if !new.verify(&hash)? {
            return Err(Error::conflict("the hash is not that of the password"));
        }
        memory::write()
    }

    fn change_password(&self, account: &ObjectRef, _: &Password<'_>, new: &Password<'_>) -> Result<()> {
        self.set_password(account, new, false)
    }

    fn authenticate(&self, _: &str, name: &str, password: &Password<'_>) -> Result<String> {
        password.hash()?;
        memory::write()?;
        Ok(name.to_owned())
    }
}

hawser_sdk::export!(Mirror: Probe, Schema, Source, Passwords);
