//! Secrets go only where options say, because permissions are made from options: an operator approves them, and sees where
//! a secret goes without reading the mapping. A mapping that wants to place one elsewhere is refused here, with the option
//! to set.

use crate::Options;
use crate::mapping::{Auth, Login, Mapping, Place, Write};
use hawser_sdk::{Error, Result};

pub(crate) fn check(mapping: &Mapping, options: &Options) -> Result<()> {
    wanted(mapping, options).into_iter().try_for_each(|want| want.and_then(|want| want.check()))
}

/// The value the mapping wants an option to have.
pub(crate) fn suggested(mapping: &Mapping, options: &Options, option: &str) -> Vec<String> {
    let wanted = wanted(mapping, options).into_iter().flatten();
    let mut values: Vec<String> = wanted.filter(|want| want.option == option).map(|want| want.value).collect();
    values.sort();
    values.dedup();
    values
}

struct Want<'a> {
    place: String,
    option: &'static str,
    value: String,
    set: Option<&'a str>,
}

impl Want<'_> {
    fn check(&self) -> Result<()> {
        if self.set == Some(self.value.as_str()) {
            return Ok(());
        }
        let Self { place, option, value, .. } = self;
        let message = format!(
            "the mapping places a secret at `{value}` ({place}); set the option `{option}` to that, so that it can be permitted"
        );
        Err(Error::configuration(message))
    }
}

/// The options for each kind of place a secret can have.
#[derive(Clone, Copy)]
struct Places<'a> {
    header: Option<(&'static str, Option<&'a String>)>,
    query: Option<(&'static str, Option<&'a String>)>,
    json: (&'static str, Option<&'a String>),
    form: (&'static str, Option<&'a String>),
    /// Can it go as `Authorization`?
    authorization: bool,
}

impl<'a> Places<'a> {
    fn body(json: (&'static str, &'a Option<String>), form: (&'static str, &'a Option<String>)) -> Self {
        let (json, form) = ((json.0, json.1.as_ref()), (form.0, form.1.as_ref()));
        Self { header: None, query: None, json, form, authorization: false }
    }

    fn want(self, at: &str, place: &Place) -> Option<Result<Want<'a>>> {
        let (option, value) = match place {
            Place::Bearer | Place::Basic(_) if self.authorization => return None,
            Place::Header(header) => (self.header, header.name.clone()),
            Place::Query(name) => (self.query, name.clone()),
            Place::Json(pointer) => (Some(self.json), pointer.as_str().to_owned()),
            Place::Form(field) => (Some(self.form), field.clone()),
            Place::Bearer | Place::Basic(_) => (None, String::new()),
        };
        Some(match option {
            Some((option, set)) => Ok(Want { place: at.to_owned(), option, value, set: set.map(String::as_str) }),
            None => {
                Err(Error::configuration(format!("the mapping: {at}: this secret goes into the body, as json or form")))
            }
        })
    }
}

fn wanted<'a>(mapping: &Mapping, options: &'a Options) -> Vec<Result<Want<'a>>> {
    let secret = Places {
        header: Some(("secret-header", options.secret_header.as_ref())),
        query: Some(("secret-query", options.secret_query.as_ref())),
        authorization: true,
        ..Places::body(("secret-pointer", &options.secret_pointer), ("secret-field", &options.secret_field))
    };
    let mut wanted = Vec::new();
    match &mapping.auth {
        Auth::None | Auth::Oauth(_) => {}
        Auth::Secret(place) => wanted.extend(secret.want("auth.secret", place)),
        Auth::Login(login) => {
            wanted.extend(secret.want("auth.login.secret", &login.secret));
            wanted.push(login_path(login, options));
        }
    }
    for (name, class) in &mapping.classes {
        let passwords = &class.passwords;
        let writes =
            [("create", &class.create), ("passwords.set", &passwords.set), ("passwords.change", &passwords.change)];
        for (at, write) in writes {
            wanted.extend(write.iter().flat_map(|it| of_write(&format!("classes.{name}.{at}"), it, options)));
        }
        if let Some(check) = &passwords.check {
            let places = Places {
                authorization: true,
                ..Places::body(("check-pointer", &options.check_pointer), ("check-field", &options.check_field))
            };
            wanted.extend(places.want(&format!("classes.{name}.passwords.check"), &check.password));
        }
    }
    wanted
}

fn of_write<'a>(at: &str, write: &Write, options: &'a Options) -> Vec<Result<Want<'a>>> {
    let new =
        Places::body(("password-pointer", &options.password_pointer), ("password-field", &options.password_field));
    let old = Places::body(
        ("old-password-pointer", &options.old_password_pointer),
        ("old-password-field", &options.old_password_field),
    );
    let of = |(name, place): (&String, &Place)| match name.as_str() {
        "password" => new.want(at, place),
        "old-password" => old.want(at, place),
        _ => None,
    };
    write.secrets.iter().filter_map(of).collect()
}

fn login_path<'a>(login: &Login, options: &'a Options) -> Result<Want<'a>> {
    let path = login.request.path.render(&options.scope()?)?;
    let set = options.login_path.as_deref();
    Ok(Want { place: "auth.login.request".to_owned(), option: "login-path", value: options.path(&path), set })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::{KEYSTONE, RABBITMQ};

    fn keystone() -> Options {
        Options {
            base_path: "/v3".to_owned(),
            mapping: KEYSTONE.to_owned(),
            user: Some("admin".to_owned()),
            variables: vec!["domain=default".to_owned(), "project=admin".to_owned()],
            secret_pointer: Some("/auth/identity/password/user/password".to_owned()),
            login_path: Some("/v3/auth/tokens".to_owned()),
            password_pointer: Some("/user/password".to_owned()),
            old_password_pointer: Some("/user/original_password".to_owned()),
            check_pointer: Some("/auth/identity/password/user/password".to_owned()),
            ..Options::default()
        }
    }

    #[test]
    fn a_secret_goes_nowhere_that_no_option_says() {
        let unset: [fn(&mut Options) -> &mut Option<String>; 5] = [
            |it| &mut it.secret_pointer,
            |it| &mut it.login_path,
            |it| &mut it.password_pointer,
            |it| &mut it.old_password_pointer,
            |it| &mut it.check_pointer,
        ];
        let checked = |options: &Options| options.mapping().and_then(|mapping| check(&mapping, options));
        checked(&keystone()).unwrap();
        for unset in unset {
            for other in [None, Some("/other".to_owned())] {
                let mut options = keystone();
                let right = std::mem::replace(unset(&mut options), other).unwrap();
                let error = checked(&options).unwrap_err();
                assert!(error.message().contains(&right) && error.message().contains("set the option"), "{error}");
            }
        }
    }

    #[test]
    fn an_option_is_suggested_what_the_mapping_wants() {
        let mapping = Mapping::parse(RABBITMQ).unwrap();
        assert_eq!(suggested(&mapping, &Options::default(), "password-pointer"), ["/password"]);
        assert!(suggested(&mapping, &Options::default(), "secret-header").is_empty());
    }

    #[test]
    fn passwords_of_people_go_into_bodies_alone() {
        let text = RABBITMQ.replacen("password: {json: /password}", "password: {query: password}", 1);
        let options = Options { mapping: text, password_pointer: Some("/password".to_owned()), ..Options::default() };
        let error = check(&options.mapping().unwrap(), &options).unwrap_err();
        assert!(error.message().contains("into the body"), "{error}");
    }
}
