//! What it says it wrote and granted.

use hawser_sdk::{
    Assignment, Assignments, Attribute, Draft, Entitlements, Error, GrantOutcome, Granted, ObjectRef, Outcome,
    Provision, Result, RevokeOutcome, Update, Value, Written,
};

use crate::{Liar, Lie};

/// Longer than any identifier, and handed over all the same, in bytes.
const LONG: usize = 1024 * 1024;

impl Liar {
    fn wrote(&self) -> Result<Outcome> {
        Ok(Outcome::Done(match self.lie {
            Lie::Nul => Written::new("u\0", "name"),
            Lie::Bidi => Written::new("u", "admin\u{202e}"),
            Lie::Giant => Written::new("u".repeat(LONG), "name"),
            Lie::Words => Written::new("u", "name").revision("\r\nset-cookie: forged"),
            Lie::Overflow => Written::new("u", "name").value(Attribute::new("since", [Value::Instant(i64::MAX)])),
            Lie::Stuck => return Ok(Outcome::Pending("\u{1b}[2J".to_owned())),
            Lie::Foreign => return Err(Error::already_exists("it is there").object(ObjectRef::new("account", "a\0b"))),
            _ => Written::new("", "name"),
        }))
    }
}

impl Provision for Liar {
    fn create(&self, _: Draft) -> Result<Outcome> {
        self.wrote()
    }

    fn update(&self, _: Update) -> Result<Outcome> {
        self.wrote()
    }
}

impl Entitlements for Liar {
    fn grant(&self, _: &ObjectRef, _: &Assignment) -> Result<Granted> {
        let id = if self.lie == Lie::Giant { "i".repeat(LONG) } else { "\0".to_owned() };
        Ok(Granted { outcome: GrantOutcome::Granted, id: Some(id) })
    }

    fn revoke(&self, _: &ObjectRef, _: &Assignment) -> Result<RevokeOutcome> {
        Ok(RevokeOutcome::Revoked)
    }

    fn list_granted(&self, _: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        let granted = |uid: &str| Assignment::direct(ObjectRef::new("group", uid));
        let page = |assignments| Assignments { assignments, next: None };
        Ok(match self.lie {
            Lie::Nul => page(vec![granted("g\0")]),
            Lie::Bidi => page(vec![granted("g\u{202e}")]),
            Lie::Giant => page(vec![granted(&"g".repeat(LONG))]),
            Lie::Overflow => page(vec![Assignment { not_after: Some(i64::MAX), ..granted("g") }]),
            Lie::Endless => page(vec![granted("g"); max as usize + 1]),
            Lie::Stuck => {
                Assignments { assignments: vec![granted("g")], next: Some(after.unwrap_or(b"here").to_vec()) }
            }
            Lie::Bookmark => Assignments { assignments: Vec::new(), next: Some(vec![b'x'; LONG]) },
            _ => page(vec![granted("g")]),
        })
    }
}
