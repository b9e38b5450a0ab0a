//! What a service holds in the end, read past the host by a tool that is not ours.

use serde_json::Value as Json;

use super::super::super::fault::Fault;
use super::super::service::{Service, TERMS};
use super::super::show;
use super::super::story::{Cast, Story, expect, insist};
use super::accounts::JOINER;

/// Who joined is there, in the new group; who moved is there too and not in the old one; who left is gone.
pub(in super::super) async fn service(story: &mut Story, service: &Service) -> Result<(), Fault> {
    story.step("What the service holds in the end, asked by curl, past the host")?;
    show::say(
        "SCIM has no way to ask whether a password is right, and none to read one: this looks at everything else that was \
         done.",
    )?;
    let Cast { joiner, mover, leaver, old_group, new_group } = &story.cast;
    account(story, service, joiner)?;
    let group = format!("/Groups/{new_group}");
    show::say(&service.asking(&group))?;
    let [old, new] = story.outside(|_| [old_group, new_group].map(|group| service.members(group)));
    let (old, new) = (old?, new?);
    show::detail(&format!("{} members, {joiner} and {mover} among them", new.len()))?;
    insist(new.contains(joiner) && new.contains(mover), || "both of them in the new group".to_owned())?;
    insist(!old.contains(mover) && !old.is_empty(), || "the others, and only them, in the old group".to_owned())?;
    let gone = format!("/Users/{leaver}");
    show::say(&service.asking(&gone))?;
    insist(!story.outside(|_| service.has(&gone))?, || "nobody there who has left".to_owned())?;
    show::detail("404 Not Found")
}

/// The account of the joiner, as it was ordered, and without what it was given to log in with.
fn account(story: &Story, service: &Service, uid: &str) -> Result<(), Fault> {
    let path = format!("/Users/{uid}");
    show::say(&service.asking(&path))?;
    let user = story.outside(|_| service.read(&path))?;
    show::detail(&user.to_string())?;
    expect(&user, "/userName", JOINER.login)?;
    expect(&user, "/name/familyName", JOINER.family)?;
    expect(&user, "/active", true)?;
    let (extension, attribute) = TERMS.department.rsplit_once(':').unwrap_or_default();
    let department = user.get(extension).and_then(|extension| extension.get(attribute));
    insist(department.and_then(Json::as_str) == Some(JOINER.department), || {
        format!("the department {}", JOINER.department)
    })?;
    insist(user.get("password").is_none(), || "no password in the account".to_owned())
}
