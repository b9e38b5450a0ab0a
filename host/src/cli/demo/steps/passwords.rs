//! A password is reset and checked. The connector in the sandbox never sees it: it holds a handle, and asks the host to
//! hash it, to put it into a request, or to verify with it.

use serde_json::json;

use super::super::super::client::{Call, Reply};
use super::super::super::fault::Fault;
use super::super::super::table::cell;
use super::super::directory::Directory;
use super::super::show;
use super::super::story::{PATH, Story, Who, expect, insist};
use super::accounts::{ACCOUNTS, JOINER};

/// The password of the demo, which is good for a domain's policy too; nobody else's.
const PASSWORD: &str = "Correct horse, 1 battery, staple";

/// A new password for the joiner.
pub(in super::super) async fn reset(story: &mut Story) -> Result<(), Fault> {
    story.step("Reset a password")?;
    let call = Call::put(format!("{ACCOUNTS}/{}/password", story.cast.joiner), json!({"new": PASSWORD}));
    story.ask(Who::Core, call, 204).await?;
    show::say(story.terms().placed)?;
    let account = story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{}", story.cast.joiner)), 200).await?;
    let shown = account.body.to_string();
    insist(!shown.contains("argon2") && !shown.contains(PASSWORD), || {
        "no hash and no password in the account".to_owned()
    })
}

/// The right password proves who it is, a wrong one does not.
pub(in super::super) async fn authenticate(story: &mut Story) -> Result<(), Fault> {
    story.step("Authenticate")?;
    let right = check(story, PASSWORD, 200).await?;
    expect(&right.body, "/uid", story.cast.joiner.as_str())?;
    show::say("And with a wrong password:")?;
    let wrong = check(story, "wrong horse", 422).await?;
    show::detail(&wrong.problem().text())?;
    insist(wrong.problem().name() == "invalid-credential", || "the problem invalid-credential".to_owned())
}

/// The new password is good at the directory itself, and the first one is not any more.
pub(in super::super) async fn bind(story: &mut Story, directory: &Directory) -> Result<(), Fault> {
    story.step("The new password at the directory itself: its owner binds, past the host")?;
    let account = story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{}", story.cast.joiner)), 200).await?;
    let dn = cell(&account.body, "/name");
    show::say(&directory.asking_who(&dn))?;
    show::detail(&story.outside(|_| directory.who(&dn, PASSWORD))?)?;
    show::say("And with the password the account began with:")?;
    let old = story.outside(|_| directory.takes(&dn, JOINER.password))?;
    insist(!old, || "the directory to refuse the old password".to_owned())?;
    show::detail("Invalid credentials (49)")
}

async fn check(story: &Story, password: &str, status: u16) -> Result<Reply, Fault> {
    let body = json!({"class": "account", "name": JOINER.login, "password": password});
    story.ask(Who::Core, Call::post(format!("{PATH}/authenticate"), body), status).await
}
