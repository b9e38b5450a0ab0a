//! Passwords: stored as a hash the host makes, checked without the guest seeing a byte of them.

use hawser_tests::bed::Bed;
use hawser_tests::people::account_name;
use serde_json::json;

async fn reset(bed: &Bed, uid: &str, new: &str) {
    let password = format!("{}/password", bed.account(uid));
    bed.core.put(&password, &json!({"new": new})).await.expect(204);
}

#[tokio::test]
async fn a_reset_password_authenticates_and_a_wrong_one_does_not() {
    let bed = Bed::new(3, 0).await;
    reset(&bed, "u1", "correct horse").await;
    assert!(bed.people.read("accounts.csv").contains("$argon2id$"));
    let attempt = |name: String, password| json!({"class": "account", "name": name, "password": password});
    let right = bed.core.post(&bed.at("/authenticate"), &attempt(account_name(1), "correct horse")).await;
    assert_eq!(right.expect(200).json()["uid"], "u1");
    let wrong = bed.core.post(&bed.at("/authenticate"), &attempt(account_name(1), "battery staple")).await;
    let unknown = bed.core.post(&bed.at("/authenticate"), &attempt("nobody".into(), "battery staple")).await;
    let (wrong, unknown) = (wrong.problem(422, "invalid-credential"), unknown.problem(422, "invalid-credential"));
    assert_eq!(wrong.detail(), unknown.detail(), "a stranger must not learn who has an account");
}

#[tokio::test]
async fn a_password_of_ones_own_is_changed_only_with_the_old_one() {
    let bed = Bed::new(3, 0).await;
    reset(&bed, "u1", "first").await;
    let password = format!("{}/password", bed.account("u1"));
    let wrong = bed.core.put(&password, &json!({"old": "guess", "new": "second"})).await;
    wrong.problem(422, "invalid-credential");
    let attempt = |password| json!({"class": "account", "name": account_name(1), "password": password});
    bed.core.post(&bed.at("/authenticate"), &attempt("second")).await.problem(422, "invalid-credential");
    bed.core.put(&password, &json!({"old": "first", "new": "second"})).await.expect(204);
    bed.core.post(&bed.at("/authenticate"), &attempt("second")).await.expect(200);
}

#[tokio::test]
async fn an_empty_or_malformed_password_is_refused_and_the_old_one_stays() {
    let bed = Bed::new(3, 0).await;
    reset(&bed, "u1", "first").await;
    let before = bed.people.read("accounts.csv");
    let password = format!("{}/password", bed.account("u1"));
    let bodies = [
        (json!({"new": ""}), "new"),
        (json!({"old": "", "new": "x"}), "old"),
        (json!({}), "new"),
        (json!({"new": 5}), "new"),
        (json!({"new": "x".repeat(20_000)}), "new"),
        (json!({"new": "x", "colour": "red"}), "colour"),
    ];
    for (body, wrong) in bodies {
        bed.core.put(&password, &body).await.problem(400, "invalid-request").names(wrong);
    }
    let empty = json!({"class": "account", "name": account_name(1), "password": ""});
    bed.core.post(&bed.at("/authenticate"), &empty).await.problem(400, "invalid-request").names("password");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn nobody_who_does_not_exist_gets_a_password() {
    let bed = Bed::new(3, 0).await;
    let before = bed.people.read("accounts.csv");
    let password = format!("{}/password", bed.account("ghost"));
    bed.core.put(&password, &json!({"new": "x"})).await.problem(404, "unknown-uid");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let bed = Bed::new(1, 0).await;
    reset(&bed, "u1", "first").await;
    let guess = json!({"class": "account", "name": account_name(1), "password": "guess"});
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (core, path, guess) = (bed.core.clone(), bed.at("/authenticate"), guess.clone());
        guesses.spawn(async move { core.post(&path, &guess).await });
    }
    let answers = guesses.join_all().await;
    let slowed: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!slowed.is_empty(), "sixty guesses at once were all answered");
    slowed[0].problem(429, "rate-limited");
}

#[tokio::test]
async fn a_password_that_is_the_accounts_name_is_no_leak() {
    let bed = Bed::new(3, 0).await;
    let draft = json!({
        "name": "wilhelmina", "attributes": {"id": ["u9-wilhelmina"], "password": ["wilhelmina"]},
    });
    bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201);
    reset(&bed, "u9-wilhelmina", "u9-wilhelmina").await;
}
