//! What cannot be applied is refused when it is planned, in the same words, and nothing was touched by either.

use super::*;

/// Plans and applies a declaration; both are refused, name that, and say the same.
async fn refused(house: &House, declaration: &Json, named: &str) {
    let before = house.operator().get("/v1/configuration").await.expect(200).json();
    let options = json!({"approve": true});
    let plan = send(house, "plan", declaration, options.clone()).await.refusal().names(named);
    let apply = send(house, "apply", declaration, options).await.refusal();
    assert_eq!((plan.kind(), plan.detail()), (apply.kind(), apply.detail()));
    assert_eq!(house.operator().get("/v1/configuration").await.expect(200).json(), before);
}

#[tokio::test]
async fn a_plan_says_what_a_connector_its_releases_and_the_host_refuse() {
    let (house, people) = (House::start().await, People::new(1, 0));
    for (pointer, value, named) in [
        ("/connections/people/options/acounts-file", json!("accounts.csv"), "acounts-file"),
        ("/connections/people/options/account-key", json!(7), "account-key"),
        ("/connections/people/directories/attic", json!({"path": "/tmp", "access": "read-only"}), "attic"),
        ("/connections/people/version", json!("^9"), "connections.people"),
        ("/connections/people/connector", json!("hawser/crm"), "hawser/crm"),
        ("/connections/people/system", json!("nowhere"), "nowhere"),
        ("/connections/people/permissions", json!(["directory:attic:read-write"]), "directory:attic:read-write"),
        ("/connections/people/securedOptions", json!({"token": "env:TOKEN"}), "token"),
        ("/connectors", json!({"hawser/csv": {"versions": ["9.9.9"]}}), "9.9.9"),
    ] {
        let mut declaration = company(&people, &[WRITE]);
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        declaration.pointer_mut(parent).unwrap()[key] = value;
        refused(&house, &declaration, named).await;
    }
}

#[tokio::test]
async fn a_plan_says_which_references_the_host_does_not_read() {
    let (allowed, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(allowed.path().join("x"), "a header in a file\n").unwrap();
    let directory = allowed.path().to_owned();
    let house = House::with(move |config| config.secrets.directories = vec![directory]).await;
    let declared = |reference: &Path, data: &Path| {
        json!({"systems": {"lab": {"title": "Lab"}}, "connections": {"mirror": {
            "system": "lab", "connector": "hawser/mirror", "title": "Mirror",
            "directories": {"data": {"path": data, "access": "read-write"}},
            "securedOptions": {"headers": {"x": format!("file:{}", reference.display())}}}}})
    };
    let good = allowed.path().join("x");
    refused(&house, &declared(&other.path().join("x"), allowed.path()), "[secrets]").await;
    applied(&house, &declared(&good, allowed.path())).await;
    refused(&house, &declared(&other.path().join("x"), allowed.path()), "[secrets]").await;
}

#[tokio::test]
async fn a_plan_says_which_secrets_would_go_elsewhere() {
    let house = House::start().await;
    let declared = |host: &str| {
        json!({"systems": {"lab": {"title": "Lab"}}, "connections": {"directory": {"system": "lab",
            "connector": "hawser/ldap", "title": "Directory", "options": {"host": host, "bind-dn": "cn=svc"}}}})
    };
    applied(&house, &declared("ldap.example.com")).await;
    let password = "/v1/connections/directory/secured-options/bind-password";
    house.operator().put(password, &json!({"value": "a password of the tests"})).await.expect(204);
    refused(&house, &declared("evil.example.com"), "bind-password").await;
}

#[tokio::test]
async fn a_dry_run_on_the_command_line_ends_as_the_real_one() {
    let (house, people, folder) = (House::start().await, People::new(1, 0), tempfile::tempdir().unwrap());
    let mut declaration = company(&people, &[WRITE]);
    declaration["connections"]["people"]["options"]["acounts-file"] = json!("accounts.csv");
    write(folder.path(), "all.yaml", &declaration.to_string());
    let path = folder.path().to_str().unwrap();
    let told = |output: Output| {
        let complaint = String::from_utf8(output.stderr).unwrap();
        let without_request =
            complaint.lines().filter(|line| !line.contains("request: ")).collect::<Vec<_>>().join("\n");
        (output.status.code(), without_request)
    };
    let dry = told(hawser(&house, &["apply", "-f", path, "--approve", "--dry-run"]).await);
    assert!(dry.0 == Some(2) && dry.1.contains("acounts-file"), "{dry:?}");
    assert_eq!(told(hawser(&house, &["apply", "-f", path, "--approve"]).await), dry);
}
