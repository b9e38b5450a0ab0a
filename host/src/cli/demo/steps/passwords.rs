//! A password is reset and checked. The connector in the sandbox never sees it: it holds a handle, and asks the host to
//! hash or to verify with it.

use serde_json::json;

use super::super::super::client::{Call, Reply};
use super::super::super::fault::Fault;
use super::super::show;
use super::super::story::{PATH, Story, Who, expect, insist};
use super::accounts::{ACCOUNTS, JOINER, JOINER_NAME};

/// The password of the demo; nobody else's.
const PASSWORD: &str = "correct horse battery staple";

/// The joiner's first password.
pub(in super::super) async fn reset(story: &mut Story) -> Result<(), Fault> {
    story.step("Reset a password")?;
    let call = Call::put(format!("{ACCOUNTS}/{JOINER}/password"), json!({"new": PASSWORD}));
    story.ask(Who::Core, call, 204).await?;
    show::say(
        "The file holds an argon2id hash that the host made; the connector saw neither password nor bytes of it.",
    )?;
    let account = story.ask(Who::Core, Call::get(format!("{ACCOUNTS}/{JOINER}")), 200).await?;
    let shown = account.body.to_string();
    insist(!shown.contains("argon2") && !shown.contains(PASSWORD), || {
        "no hash and no password in the account".to_owned()
    })
}

/// The right password proves who it is, a wrong one does not.
pub(in super::super) async fn authenticate(story: &mut Story) -> Result<(), Fault> {
    story.step("Authenticate")?;
    let right = check(story, PASSWORD, 200).await?;
    expect(&right.body, "/uid", JOINER)?;
    show::say("And with a wrong password:")?;
    let wrong = check(story, "wrong horse", 422).await?;
    show::detail(&wrong.problem().text())?;
    insist(wrong.problem().name() == "invalid-credential", || "the problem invalid-credential".to_owned())
}

async fn check(story: &Story, password: &str, status: u16) -> Result<Reply, Fault> {
    let body = json!({"class": "account", "name": JOINER_NAME, "password": password});
    story.ask(Who::Core, Call::post(format!("{PATH}/authenticate"), body), status).await
}
