//! What a manifest may say and, first, what it may not.

use super::*;
use crate::model::{Syntax, Value};
use crate::registry::limits::{MANIFEST_BYTES_MAX, OPTIONS_MAX, TITLE_BYTES_MAX};

const MINIMAL: &str = r#"
publisher = "hawser"
name = "roster"
version = "0.1.0"
wit = "0.1"
title = "Roster"
summary = "Accounts of a roster."
[interfaces]
exports = ["source"]
imports = ["files"]
[[directory]]
name = "data"
label = "Folder"
access = "read-only"
"#;

fn with(more: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(&format!("{MINIMAL}{more}"))
}

fn without(line: &str) -> Result<Manifest, ManifestError> {
    assert!(MINIMAL.contains(line), "the minimal manifest has no {line:?}");
    Manifest::parse(&MINIMAL.replace(line, ""))
}

fn replacing(line: &str, by: &str) -> Result<Manifest, ManifestError> {
    assert!(MINIMAL.contains(line), "the minimal manifest has no {line:?}");
    Manifest::parse(&MINIMAL.replace(line, by))
}

#[track_caller]
fn refused(result: Result<Manifest, ManifestError>, key: &str, remedy: &str) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(&format!("`{key}`")) && message.contains(remedy), "{message}");
}

fn option(body: &str) -> Result<Manifest, ManifestError> {
    with(&format!("[[option]]\nname = \"encoding\"\nlabel = \"Encoding\"\n{body}"))
}

#[test]
fn an_unknown_key_is_refused_and_the_known_ones_are_named() {
    for (more, known) in [
        ("colour = 1", "access"),
        ("[limits]\nmemory = 64", "memory-mib"),
        ("[[option]]\nname = \"a\"\nkind = \"text\"\nlabel = \"A\"\ndefualt = \"x\"", "default"),
        ("[[constraint]]\nat-most-one = [\"a\", \"b\"]", "exactly-one"),
        ("[interfaces.http]", "imports"),
        ("[secrets]", "interfaces"),
    ] {
        let message = with(more).unwrap_err().to_string();
        assert!(message.contains("unknown field") && message.contains(known), "{more}: {message}");
    }
}

#[test]
fn a_missing_key_is_named() {
    for (line, key) in
        [("publisher = \"hawser\"\n", "publisher"), ("wit = \"0.1\"\n", "wit"), ("label = \"Folder\"\n", "label")]
    {
        let message = without(line).unwrap_err().to_string();
        assert!(message.contains(&format!("missing field `{key}`")), "{message}");
    }
}

#[test]
fn a_text_that_is_no_manifest_is_refused_with_its_line() {
    let message = Manifest::parse("publisher = hawser").unwrap_err().to_string();
    assert!(message.contains("line 1"), "{message}");
    assert!(Manifest::parse("").is_err());
    assert!(Manifest::parse("\0").is_err());
}

#[test]
fn a_manifest_over_its_size_is_refused_unread() {
    let message = with(&"#".repeat(MANIFEST_BYTES_MAX)).unwrap_err().to_string();
    assert!(message.contains("at most 262144"), "{message}");
}

#[test]
fn publisher_and_name_have_a_grammar() {
    for bad in ["", "Hawser", "9lives", "a/b", "a_b", "a-", "a--b", &"a".repeat(64)] {
        refused(replacing("publisher = \"hawser\"", &format!("publisher = {bad:?}")), "publisher", "lower-case");
        refused(replacing("name = \"roster\"", &format!("name = {bad:?}")), "name", "lower-case");
    }
}

#[test]
fn a_version_is_semantic_and_a_contract_version_is_known() {
    assert!(replacing("version = \"0.1.0\"", "version = \"1\"").is_err());
    let message = replacing("wit = \"0.1\"", "wit = \"9.9\"").unwrap_err().to_string();
    assert!(message.contains("0.1"), "{message}");
}

#[test]
fn texts_for_people_are_neither_empty_nor_endless_nor_on_two_lines() {
    refused(replacing("title = \"Roster\"", "title = \" \""), "title", "write a few words");
    refused(replacing("title = \"Roster\"", "title = \"a\\nb\""), "title", "one line");
    let long = format!("title = {:?}", "a".repeat(TITLE_BYTES_MAX + 1));
    refused(replacing("title = \"Roster\"", &long), "title", "shorten");
    refused(replacing("label = \"Folder\"", "label = \"\""), "directory.data.label", "write a few words");
    assert!(replacing("summary = \"Accounts of a roster.\"", "summary = \"a\\nb\"").is_ok());
}

#[test]
fn an_interface_nobody_knows_is_refused_and_so_is_one_named_twice() {
    let message = replacing("exports = [\"source\"]", "exports = [\"sources\"]").unwrap_err().to_string();
    assert!(message.contains("`source`"), "{message}");
    refused(replacing("exports = [\"source\"]", "exports = [\"source\", \"source\"]"), "interfaces.exports", "twice");
    refused(replacing("exports = [\"source\"]", "exports = []"), "interfaces.exports", "at least one");
}

#[test]
fn who_is_handed_secrets_must_import_their_handles() {
    let exports = "exports = [\"source\", \"passwords\"]";
    refused(replacing("exports = [\"source\"]", exports), "interfaces.imports", "add it");
}

#[test]
fn files_and_directories_come_together() {
    refused(replacing("imports = [\"files\"]", "imports = []"), "directory", "add it to interfaces.imports");
    let (head, _) = MINIMAL.split_once("[[directory]]").unwrap();
    refused(Manifest::parse(head), "interfaces.imports", "declare one");
}

#[test]
fn a_name_given_twice_is_refused() {
    let option = "[[option]]\nname = \"a\"\nkind = \"text\"\nlabel = \"A\"\n";
    refused(with(&option.repeat(2)), "option", "twice");
    refused(with("[[directory]]\nname = \"data\"\nlabel = \"D\"\naccess = \"read-only\""), "directory", "twice");
    refused(with(&"[[class]]\nname = \"account\"\ntitle = \"A\"\nkind = \"account\"\n".repeat(2)), "class", "twice");
}

#[test]
fn more_options_than_a_form_can_show_are_refused() {
    let many: String =
        (0..=OPTIONS_MAX).map(|i| format!("[[option]]\nname = \"o{i}\"\nkind = \"text\"\nlabel = \"O\"\n")).collect();
    refused(with(&many), "option", "at most 256");
}

#[test]
fn a_default_must_be_a_value_the_option_takes() {
    for (body, remedy) in [
        ("kind = \"text\"\ndefault = 1", "a text"),
        ("kind = \"integer\"\ndefault = 1.5", "an integer"),
        ("kind = \"boolean\"\ndefault = \"yes\"", "true or false"),
        ("kind = \"real\"\ndefault = inf", "takes a number"),
        (
            "kind = \"text\"\ndefault = \"utf-7\"\nallowed = [\"utf-8\", \"latin-1\"]",
            "it can be \"utf-8\", \"latin-1\"",
        ),
        ("kind = \"integer\"\ndefault = 0\nmin = 1", "the least is 1"),
        ("kind = \"real\"\ndefault = 10.5\nmax = 10", "the most is 10"),
        ("kind = \"text\"\ndefault = [\"a\"]", "a text"),
        ("kind = \"text\"\nmultiple = true\ndefault = \"a\"", "write a list"),
        ("kind = \"text\"\ndefault = \"a\\u0000b\"", "NUL"),
    ] {
        refused(option(body), "option.encoding.default", remedy);
    }
}

#[test]
fn bounds_are_for_numbers_and_allowed_values_lie_within_them() {
    refused(option("kind = \"text\"\nmin = 1"), "option.encoding.min", "remove it");
    refused(option("kind = \"integer\"\nmax = \"9\""), "option.encoding.max", "an integer");
    refused(option("kind = \"integer\"\nmax = 9\nallowed = [10]"), "option.encoding.allowed", "the most is 9");
}

#[test]
fn an_option_with_a_default_is_never_missing_and_so_not_required() {
    refused(option("kind = \"text\"\nrequired = true\ndefault = \"a\""), "option.encoding.required", "remove one");
}

#[test]
fn a_constraint_is_one_rule_between_options_that_exist() {
    let options = "[[option]]\nname = \"a\"\nkind = \"text\"\nlabel = \"A\"\n[[option]]\nname = \"b\"\nkind = \"text\"\nlabel = \"B\"\n";
    for (rule, key, remedy) in [
        ("", "constraint", "exactly one of"),
        ("exactly-one = [\"a\", \"b\"]\nrequired-together = [\"a\", \"b\"]", "constraint", "exactly one of"),
        ("exactly-one = [\"a\"]", "constraint.exactly-one", "fewer than two"),
        ("exactly-one = [\"a\", \"a\"]", "constraint.exactly-one", "twice"),
        ("required-together = [\"a\", \"c\"]", "constraint.required-together", "\"c\""),
        ("depends-on = { option = \"a\", needs = \"c\" }", "constraint.depends-on", "\"c\""),
    ] {
        refused(with(&format!("{options}[[constraint]]\n{rule}")), key, remedy);
    }
    let manifest = with(&format!("{options}[[constraint]]\ndepends-on = {{ option = \"a\", needs = \"b\" }}")).unwrap();
    let (option, needs) = ("a".parse().unwrap(), "b".parse().unwrap());
    assert_eq!(manifest.constraints, [Constraint::DependsOn { option, needs }]);
}

#[test]
fn a_limit_of_nothing_or_of_everything_is_refused() {
    refused(with("[limits]\nmemory-mib = 0"), "limits.memory-mib", "1 to 4096");
    refused(with("[limits]\ncall-ms = 3600001"), "limits.call-ms", "1 to 3600000");
    assert!(with("[limits]\npage-ms = -1").is_err());
}

#[test]
fn a_whole_manifest_is_read_as_it_is_meant() {
    let manifest = with(
        r#"
[[class]]
name = "account"
title = "Account"
kind = "account"
[[option]]
name = "ratio"
kind = "real"
label = "Ratio"
default = 1
min = 0.5
[[option]]
name = "columns"
kind = "text"
label = "Columns"
multiple = true
default = ["a", "b"]
[limits]
memory-mib = 64
call-ms = 30000
"#,
    )
    .unwrap();
    assert_eq!(manifest.connector.as_str(), "hawser/roster");
    assert_eq!(manifest.exports, BTreeSet::from([Export::Source]));
    assert_eq!(manifest.imports, BTreeSet::from([Import::Files]));
    assert_eq!(manifest.limits.memory_bytes, Some(64 * 1024 * 1024));
    assert_eq!(manifest.limits.call, Some(Duration::from_secs(30)));
    assert_eq!(manifest.limits.page, None);
    assert_eq!(manifest.directory(&"data".parse().unwrap()).unwrap().access, Access::ReadOnly);
    assert_eq!(manifest.option(&"ratio".parse().unwrap()).unwrap().default, [Value::Real(1.0)]);
    let columns = manifest.option(&"columns".parse().unwrap()).unwrap();
    assert_eq!(columns.default, [Value::Text("a".to_owned()), Value::Text("b".to_owned())]);
}

#[test]
fn what_an_operator_enters_is_held_to_the_same_rule_as_the_default() {
    let manifest = option("kind = \"integer\"\ndefault = 3\nmin = 1\nmax = 10").unwrap();
    let option = manifest.option(&"encoding".parse().unwrap()).unwrap();
    assert!(option.admit(&Value::Integer(11)).unwrap_err().contains("the most is 10"));
    assert!(option.admit(&Value::Text("3".to_owned())).unwrap_err().contains("an integer"));
    assert_eq!(option.admit(&Value::Integer(10)), Ok(()));
}

/// With a secured option of that body, and the interface that uses it.
fn secured(body: &str) -> Result<Manifest, ManifestError> {
    let imports = MINIMAL.replace("[\"files\"]", "[\"files\", \"credentials\"]");
    let option = "[[secured-option]]\nname = \"token\"\nkind = \"field\"\nlabel = \"Token\"\nuse = \"send\"\n";
    Manifest::parse(&format!("{imports}{option}{body}"))
}

const DESTINATION: &str = "[[destination]]\nname = \"api\"\nlabel = \"API\"\nprotocol = \"https\"\n";
const HOST: &str = "[[option]]\nname = \"host\"\nkind = \"text\"\nlabel = \"Host\"\n";

#[test]
fn a_secured_option_that_nothing_could_use_or_that_is_called_like_another_is_refused() {
    let alone = "[[secured-option]]\nname = \"token\"\nkind = \"field\"\nlabel = \"T\"\nuse = \"sign\"";
    refused(with(alone), "interfaces.imports", "credentials");
    refused(secured(&alone.replace("sign", "bind")), "secured-option", "twice");
    refused(secured("[[option]]\nname = \"token\"\nkind = \"text\"\nlabel = \"T\""), "secured-option", "twice");
    refused(secured(&alone.replace("token", "new-password")), "secured-option.new-password.name", "another name");
    let message = secured(&alone.replace("token", "other").replace("sign", "print")).unwrap_err().to_string();
    assert!(message.contains("client-key"), "{message}");
}

#[test]
fn an_address_that_could_be_another_place_is_refused() {
    let address = |address: &str| secured(&format!("{HOST}{DESTINATION}address = \"{address}\""));
    let key = "destination.api.address";
    refused(address("{host}"), key, "no port");
    refused(address("{port}:443"), key, "declare it");
    for hostile in ["user@{host}:443", "{host}/path:443", "{host}:443#x", "{host:443", "{host}:443 "] {
        refused(address(hostile), key, "write host:port");
    }
    assert!(address("{host}:443").is_ok());
    assert!(address("api.example.com:443").is_ok());
}

#[test]
fn a_place_carries_secured_options_that_exist_and_no_two_places_share_a_name() {
    let place = |more: &str| secured(&format!("{DESTINATION}address = \"a:443\"\n{more}"));
    refused(place("credentials = [\"password\"]"), "destination.api.credentials", "declare it");
    let twice = format!("{}address = \"a:1\"\n", DESTINATION.replace("api", "data"));
    refused(secured(&twice), "destination", "twice");
    refused(place("credentials = [\"token\"]"), "destination.api.credentials", "[[destination.send]]");
}

#[test]
fn reading_secrets_takes_the_interface_and_a_reason_for_each() {
    let reveal = "[[reveal]]\nslot = \"token\"\nreason = \"It signs by itself\"\n";
    refused(secured(reveal), "reveal", "add it to interfaces.imports");
    let imports = MINIMAL.replace("[\"files\"]", "[\"files\", \"credentials\", \"reveal\"]");
    refused(Manifest::parse(&imports), "interfaces.imports", "[[reveal]]");
    let mute = Manifest::parse(&format!("{imports}{}", reveal.replace("It signs by itself", "")));
    refused(mute, "reveal.token.reason", "empty");
    assert!(Manifest::parse(&format!("{imports}{reveal}")).is_ok());
}

#[test]
fn what_is_asked_for_has_a_spelling_and_plain_words() {
    let manifest = web(&format!("{SEND}{TOKEN}"));
    let asked = manifest.unwrap().requests();
    let spelt: Vec<String> = asked.iter().map(|request| request.permission.to_string()).collect();
    assert_eq!(
        spelt,
        [
            "directory:data:read-only",
            "destination:api:https://{host}:443",
            "send:token@api:bearer:GET+POST:{base}/v2",
            "send:client@api:header:x-token:GET:/",
            "token:client@api:/token",
        ]
    );
    let words: Vec<&str> = asked.iter().skip(2).map(|request| request.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "send \"Token\" to \"API\" as its bearer token, with POST, GET to {base}/v2 and below",
            "send tokens of \"Client\" to \"API\" as the header x-token, with GET to / and below",
            "fetch tokens from \"API\" (/token) with \"Client\" without reading it",
        ]
    );
}

const SEND: &str = r#"
[[destination.send]]
secret = "token"
placement = "bearer"
methods = ["POST", "GET"]
path = "{base}/v2"
"#;
const TOKEN: &str = r#"
[[destination.send]]
secret = "client"
placement = "header:X-Token"
methods = ["GET"]
path = "/"
[[destination.token]]
secret = "client"
path = "/token"
"#;

/// With a destination that is sent requests, two options for paths, and a client's secret.
fn web(body: &str) -> Result<Manifest, ManifestError> {
    let imports = MINIMAL.replace("[\"files\"]", "[\"files\", \"credentials\", \"http\"]");
    let option = "[[secured-option]]\nname = \"token\"\nkind = \"field\"\nlabel = \"Token\"\nuse = \"send\"\n";
    let client = option.replace("token", "client").replace("Token", "Client").replace("\"send\"", "\"token\"");
    let base = HOST.replace("host", "base").replace("Host", "Base");
    let many = format!("{}multiple = true\n", HOST.replace("host", "many"));
    let options = format!("{option}{client}{HOST}{base}{many}{DESTINATION}address = \"{{host}}:443\"\n");
    Manifest::parse(&format!("{imports}{options}{body}"))
}

#[test]
fn what_is_sent_says_which_secret_where_and_how() {
    assert!(web(SEND).is_ok());
    let send = |what: &str, by: &str| web(&SEND.replace(what, by));
    let key = |field: &str| format!("destination.api.send.{field}");
    refused(send("\"POST\", \"GET\"", ""), &key("methods"), "is empty");
    refused(send("\"POST\"", "\"GET\""), &key("methods"), "twice");
    refused(send("{base}", "{other}"), &key("path"), "declare it");
    refused(send("{base}", "{many}"), &key("path"), "single text");
    refused(send("{base}", "/a/../b"), &key("path"), "no `..`");
    refused(send("{base}", "//a"), &key("path"), "one `/`");
    refused(send("{base}", "a"), &key("path"), "begins with");
    refused(send("bearer", "header:{other}"), &key("placement"), "declare it");
    refused(web(&SEND.repeat(2)), "destination.api.send", "twice");
    for (what, by) in [("bearer", "cookie:sid"), ("bearer", "json:password"), ("\"GET\"", "\"get\"")] {
        assert!(send(what, by).unwrap_err().to_string().contains("is not valid"), "{by}");
    }
    // Whatever is no secured option is a secret of the call; one for another use is not sent.
    assert!(send("\"token\"", "\"new-password\"").is_ok());
    let signing = "[[secured-option]]\nname = \"key\"\nkind = \"field\"\nlabel = \"K\"\nuse = \"sign\"\n";
    refused(web(&format!("{}{signing}", SEND.replace("\"token\"", "\"key\""))), &key("secret"), "\"sign\"");
}

#[test]
fn tokens_come_from_secrets_that_are_for_that() {
    assert!(web(TOKEN).is_ok());
    let fetched = |by: &str| web(&format!("[[destination.token]]\nsecret = {by:?}\npath = \"/token\"\n"));
    refused(fetched("token"), "destination.api.token.secret", "of use \"token\"");
    refused(fetched("other"), "destination.api.token.secret", "of use \"token\"");
    refused(web(&TOKEN.replace("\"/token\"", "\"/to ken\"")), "destination.api.token.path", "begins with");
}

#[test]
fn requests_take_the_interface_and_a_web_service() {
    let without = |text: String| Manifest::parse(&text.replace(", \"http\"", ""));
    let imports = MINIMAL.replace("[\"files\"]", "[\"files\", \"credentials\", \"http\"]");
    refused(Manifest::parse(&imports), "interfaces.imports", "declare one");
    let place =
        format!("{DESTINATION}address = \"a:443\"\n{}", SEND.replace("token", "password").replace("{base}", ""));
    assert!(Manifest::parse(&format!("{imports}{place}")).is_ok());
    refused(without(format!("{imports}{place}")), "destination.api", "add it to interfaces.imports");
    let directory = format!("{imports}{place}").replace("\"https\"", "\"ldaps\"");
    refused(Manifest::parse(&directory), "destination.api.protocol", "web services");
}

#[test]
fn a_path_and_a_placement_are_made_of_options_and_of_nothing_that_leads_elsewhere() {
    let path = |template: &str, value: Value| {
        fill_path(template, &[("base".parse().unwrap(), vec![value])].into())
            .map(|path| path.map(|path| path.to_string()))
            .map_err(|wrong| wrong.options)
    };
    let text = |text: &str| Value::Text(text.to_owned());
    for (template, value, filled) in [
        ("{base}", "/scim/v2", "/scim/v2"),
        ("{base}/Users", "/scim/v2/", "/scim/v2/Users"),
        ("{base}/Users", "", "/Users"),
        ("{base}", "/", "/"),
        ("/t/{base}", "a", "/t/a"),
    ] {
        assert_eq!(path(template, text(value)), Ok(Some(filled.to_owned())), "{template} {value}");
    }
    assert_eq!(path("/v{base}", Value::Integer(2)), Ok(Some("/v2".to_owned())));
    assert_eq!(fill_path("{base}", &Default::default()), Ok(None));
    for hostile in ["scim", "//evil.example", "/a/..", "/a/%2e%2e", "/a?b", "/a#b", "/a b", "https://evil.example/"] {
        assert_eq!(path("{base}", text(hostile)), Err(vec!["base".to_owned()]), "{hostile}");
    }
    let place = |template: &str, value: &str| {
        let options = [("base".parse().unwrap(), vec![text(value)])].into();
        fill_placement(&template.parse().unwrap(), &options).map(|place| place.map(|place| place.to_string()))
    };
    assert_eq!(place("header:{base}", "X-Key").unwrap().unwrap(), "header:x-key");
    assert_eq!(place("json:{base}", "/a/b").unwrap().unwrap(), "json:/a/b");
    for (template, hostile) in
        [("header:{base}", "a: b"), ("header:x{base}", "\r\nHost"), ("json:{base}", "a"), ("query:{base}", "")]
    {
        assert!(place(template, hostile).is_err(), "{template} {hostile}");
    }
}

#[test]
fn an_address_is_made_of_options_and_only_of_what_a_host_or_a_port_can_be() {
    let manifest = secured(&format!("{HOST}{DESTINATION}address = \"{{host}}:443\"")).unwrap();
    let address = |value: Value| {
        manifest.destinations[0]
            .address(&[("host".parse().unwrap(), vec![value])].into())
            .map_err(|name| name.to_string())
    };
    assert_eq!(address(Value::Text("API.example.com".into())), Ok(Some("https://api.example.com:443".into())));
    assert_eq!(manifest.destinations[0].address(&Default::default()), Ok(None));
    assert_eq!(address(Value::Text("[2001:DB8::1]".into())), Ok(Some("https://[2001:db8::1]:443".into())));
    for hostile in ["evil.example:80", "[::1]:80", "[evil]", "evil.example/?", "a@b", "a b", "", "a\\b", "a#"] {
        assert_eq!(address(Value::Text(hostile.into())), Err("host".to_owned()), "{hostile:?}");
    }
    assert!(address(Value::Integer(70_000)).is_err());
}

#[test]
fn attributes_are_declared_where_no_schema_tells_them_and_nowhere_else() {
    const CLASS: &str = "[[class]]\nname = \"person\"\ntitle = \"Person\"\nkind = \"account\"\n";
    let class = |more: &str| with(&format!("{CLASS}[[class.attribute]]\nname = \"desk\"\n{more}"));
    let desk = class("syntax = \"integer\"\nrefers-to = [\"person\"]").unwrap().declared_schema().unwrap();
    let info = desk.class("person").and_then(|person| person.attribute("desk")).unwrap();
    assert_eq!((info.title.as_str(), info.syntax, info.required), ("desk", Syntax::Integer, false));
    assert!(info.creatable && info.updateable && info.readable && info.returned_by_default);

    refused(class("refers-to = [\"desk\"]"), "class.person.attribute.desk", "declare it");
    refused(class("confidential = true"), "class.person.attribute.desk", "readable = false");
    refused(class("[[class.attribute]]\nname = \"desk\""), "class.person.attribute", "twice");
    let told = MINIMAL.replace("[\"source\"]", "[\"schema\", \"source\"]");
    let told = format!("{told}{CLASS}[[class.attribute]]\nname = \"desk\"\n");
    refused(Manifest::parse(&told), "class.person", "tells a schema");
    assert_eq!(with("").unwrap().declared_schema(), None, "no class is declared");
}
