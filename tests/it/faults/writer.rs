//! A caller of live writes who remembers what it asked for and what it was told, so that it can be held against the
//! target and the audit trail after the host died.

use std::collections::BTreeMap;

use hawser_tests::bed::Bed;
use hawser_tests::client::{Answer, Client};
use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Groups that are granted and revoked.
pub(super) const GROUPS: usize = 6;
/// How many accounts of its own a caller keeps at most.
const ACCOUNTS_MAX: usize = 8;
/// The column of `accounts.csv` that updates change.
const TITLE: usize = 6;

/// What a write is about. It has a value in the target, or is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// An account; its value is its title.
    Account(String),
    /// The caller's account is in a group.
    Member(String),
    /// The password of the caller's account.
    Password,
}

/// What a caller was told of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The host died before.
    Nothing,
    /// It succeeded, with that status.
    Done(u16),
    /// It changed nothing.
    Refused,
}

/// A write.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) fact: Fact,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// Of the request, and where it is one that may be repeated, its idempotency key.
    pub(super) request: String,
    pub(super) is_keyed: bool,
    method: Method,
    path: String,
    body: Json,
    pub(super) told: Told,
}

/// Somebody with an account of its own.
pub(super) struct Writer {
    pub(super) account: String,
    chance: StdRng,
    /// What is in the target for certain.
    pub(super) facts: BTreeMap<Fact, Option<String>>,
    /// What was asked for since the host started, in order.
    pub(super) writes: Vec<Write>,
    serial: u32,
}

impl Writer {
    pub(super) fn new(account: String, chance: StdRng) -> Self {
        Self { account, chance, facts: BTreeMap::new(), writes: Vec::new(), serial: 0 }
    }

    /// Writes until the host dies.
    pub(super) async fn write(mut self, bed: Paths, core: Client) -> Self {
        self.writes.clear();
        loop {
            let mut write = self.choose(&bed);
            write.told = told(write.send(&core, &write.request).await);
            if matches!(write.told, Told::Done(_)) {
                self.facts.insert(write.fact.clone(), write.after.clone());
            }
            let dead = write.told == Told::Nothing;
            self.writes.push(write);
            if dead {
                return self;
            }
        }
    }

    fn choose(&mut self, bed: &Paths) -> Write {
        self.serial += 1;
        let value = format!("v{}", self.serial);
        let own: Vec<String> = self.facts.iter().filter_map(|(fact, value)| account_of(fact, value.as_ref())).collect();
        let some = |chance: &mut StdRng| own[chance.random_range(0..own.len())].clone();
        let may_create = own.len() < ACCOUNTS_MAX;
        match self.chance.random_range(0..12) {
            0..=3 if may_create => self.create(bed, format!("{}n{}", self.account, self.serial), value),
            0..=5 if !own.is_empty() => {
                let uid = some(&mut self.chance);
                let body = json!({"changes": {"title": {"replace": [value]}}});
                self.put_down(Fact::Account(uid.clone()), Some(value), Method::PATCH, bed.account(&uid), body)
            }
            6..=7 if !own.is_empty() => {
                let uid = some(&mut self.chance);
                self.put_down(Fact::Account(uid.clone()), None, Method::DELETE, bed.account(&uid), Json::Null)
            }
            8 => {
                let path = format!("{}/password", bed.account(&self.account));
                self.put_down(Fact::Password, Some(value.clone()), Method::PUT, path, json!({"new": value}))
            }
            _ => self.toggle(bed),
        }
    }

    fn create(&mut self, bed: &Paths, uid: String, title: String) -> Write {
        let body = json!({"name": uid, "attributes": {"id": [uid], "title": [title]}});
        self.put_down(Fact::Account(uid), Some(title), Method::POST, bed.accounts.clone(), body)
    }

    /// Grants a group that the caller's account is not in, or revokes one that it is in.
    fn toggle(&mut self, bed: &Paths) -> Write {
        let group = format!("g{}", self.chance.random_range(1..=GROUPS));
        let path = format!("{}/entitlements/group/{group}", bed.account(&self.account));
        let fact = Fact::Member(group);
        match self.facts.get(&fact).cloned().flatten() {
            Some(_) => self.put_down(fact, None, Method::DELETE, path, Json::Null),
            None => self.put_down(fact, Some("member".to_owned()), Method::PUT, path, json!({})),
        }
    }

    fn put_down(&mut self, fact: Fact, after: Option<String>, method: Method, path: String, body: Json) -> Write {
        let before = self.facts.get(&fact).cloned().flatten();
        let request = format!("{}-{}", self.account, self.serial);
        let is_keyed = self.chance.random_bool(0.5);
        Write { fact, before, after, request, is_keyed, method, path, body, told: Told::Nothing }
    }
}

impl Write {
    /// Sends it, for the first time or again, under that request's id.
    pub(super) async fn send(&self, core: &Client, request: &str) -> reqwest::Result<Answer> {
        let mut asked = core.request(self.method.clone(), &self.path).header("x-request-id", request);
        if self.is_keyed {
            asked = asked.header("idempotency-key", &self.request);
        }
        if !self.body.is_null() {
            asked = asked.json(&self.body);
        }
        asked.attempt().await
    }
}

/// What an answer tells, or that there was none.
pub(super) fn told(answer: reqwest::Result<Answer>) -> Told {
    let Ok(answer) = answer else { return Told::Nothing };
    if (200..300).contains(&answer.status) {
        return Told::Done(answer.status);
    }
    assert_eq!(answer.json()["effect"], "none", "{}", answer.text);
    Told::Refused
}

/// Where a bed's objects are.
#[derive(Clone)]
pub(super) struct Paths {
    accounts: String,
}

impl Paths {
    pub(super) fn of(bed: &Bed) -> Self {
        Self { accounts: bed.at("/objects/account") }
    }

    fn account(&self, uid: &str) -> String {
        format!("{}/{uid}", self.accounts)
    }
}

/// What the target has of a fact, however often: in its files, which are the truth. Of passwords, which of the write's
/// two values is the one that is accepted.
pub(super) async fn in_target(bed: &Bed, account: &str, write: &Write) -> Vec<String> {
    match &write.fact {
        Fact::Account(uid) => {
            let row = format!("{uid},");
            let file = bed.people.read("accounts.csv");
            let rows = file.lines().filter(|line| line.starts_with(&row));
            rows.map(|line| line.split(',').nth(TITLE).unwrap().to_owned()).collect()
        }
        Fact::Member(group) => {
            let row = format!("{group},{account}");
            let file = bed.people.read("memberships.csv");
            file.lines().filter(|line| *line == row).map(|_| "member".to_owned()).collect()
        }
        Fact::Password => {
            let mut accepted = Vec::new();
            for password in [&write.before, &write.after].into_iter().flatten() {
                let name = account.replacen('u', "user.", 1);
                let attempt = json!({"class": "account", "name": name, "password": password});
                if bed.core.post(&bed.at("/authenticate"), &attempt).await.status == 200 {
                    accepted.push(password.clone());
                }
            }
            accepted
        }
    }
}

fn account_of(fact: &Fact, value: Option<&String>) -> Option<String> {
    match fact {
        Fact::Account(uid) => value.map(|_| uid.clone()),
        Fact::Member(_) | Fact::Password => None,
    }
}
