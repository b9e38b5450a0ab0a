//! What makes sense only together: names that templates use, classes that others refer to, requests that need another.

use super::{
    Attribute, Auth, Class, ClassKind, Content, Entitlement, Kind, Locator, Mapping, Method, Place, Rule, Send, Sketch,
    Write,
};
use crate::template::Shape;

/// What every template can name: the option `user`, and the option `variables`.
const EVERYWHERE: [&str; 2] = ["user", "var"];
const UPDATE: &[&str] = &["uid", "name", "changed", "current", "revision"];
const ONE: &[&str] = &["uid", "current", "revision"];
const ASSIGNMENT: &[&str] = &["principal", "entitlement", "parameters"];
/// What writes can place beside what `get` captures.
const PASSWORDS: [&str; 2] = ["password", "old-password"];

type Checked = Result<(), String>;

/// One request of the mapping.
struct Used<'a> {
    place: String,
    sketch: Sketch<'a>,
    /// The names its templates can use beside those of [`EVERYWHERE`].
    names: &'static [&'static str],
    methods: Methods,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Methods {
    Reading,
    /// A search may be a POST.
    Listing,
    Writing,
}

pub(super) fn check(mapping: &Mapping) -> Checked {
    if mapping.classes.is_empty() {
        return Err("there is no class; write at least one under `classes`".to_owned());
    }
    for used in requests(mapping) {
        request(&used).map_err(|why| format!("{}: {why}", used.place))?;
    }
    auth(mapping)?;
    for (at, rule) in mapping.errors.rules.iter().enumerate() {
        self::rule(rule).map_err(|why| format!("errors.rules[{at}]: {why}"))?;
    }
    mapping.classes.iter().try_for_each(|(name, it)| class(mapping, it).map_err(|why| format!("classes.{name}: {why}")))
}

/// The names that the templates of a mapping use, but those over an item.
pub(super) fn used(mapping: &Mapping) -> Vec<String> {
    let auth = match &mapping.auth {
        Auth::None => Vec::new(),
        Auth::Secret(place) => place.names(),
        Auth::Login(login) => login.sketch().names().into_iter().chain(login.secret.names()).collect(),
        Auth::Oauth(oauth) => {
            oauth.client_id.names().into_iter().chain(oauth.parameters.values().flat_map(Shape::names)).collect()
        }
    };
    let places = mapping.classes.values().flat_map(|class| {
        let placed = writes(class).into_iter().flat_map(|(_, write, _)| write.secrets.values());
        placed.chain(class.passwords.check.iter().map(|check| &check.password))
    });
    let requests = requests(mapping).into_iter().flat_map(|used| used.sketch.names());
    auth.into_iter().chain(requests).chain(places.flat_map(Place::names)).collect()
}

/// Every request of the mapping, but those that log in.
fn requests(mapping: &Mapping) -> Vec<Used<'_>> {
    let mut all = Vec::new();
    let check = mapping.check.as_ref().map(|it| (String::from("check"), it.sketch(), &[] as _, Methods::Reading));
    all.extend(check);
    for (name, class) in &mapping.classes {
        all.extend(
            of_class(class)
                .into_iter()
                .map(|(at, sketch, names, methods)| (format!("classes.{name}.{at}"), sketch, names, methods)),
        );
    }
    all.into_iter().map(|(place, sketch, names, methods)| Used { place, sketch, names, methods }).collect()
}

type OfClass<'a> = (&'static str, Sketch<'a>, &'static [&'static str], Methods);

fn of_class(class: &Class) -> Vec<OfClass<'_>> {
    let list = class.list.as_ref().map(|it| ("list", it.sketch(), &[] as &[_], Methods::Listing));
    let get = class.get.as_ref().map(|it| ("get", it.sketch(), ["uid"].as_slice(), Methods::Reading));
    let check = &class.passwords.check;
    let check = check.as_ref().map(|it| ("passwords.check", it.sketch(), ["name"].as_slice(), Methods::Listing));
    let writes = writes(class).into_iter().map(|(at, write, names)| (at, write.sketch(), names, Methods::Writing));
    let of_entitlement = class.entitlement.iter().flat_map(of_entitlement);
    list.into_iter().chain(get).chain(check).chain(writes).chain(of_entitlement).collect()
}

fn of_entitlement(of: &Entitlement) -> impl Iterator<Item = OfClass<'_>> {
    let read = of.read.as_ref().map(|it| ("entitlement.read", it.sketch(), ASSIGNMENT, Methods::Reading));
    let list = of.list.as_ref();
    let list = list.map(|it| ("entitlement.list", it.sketch(), ["principal"].as_slice(), Methods::Reading));
    let holders = of.holders.as_ref().map(|it| {
        let names: &[&str] = if it.entitlement.is_some() { &[] } else { &["entitlement"] };
        ("entitlement.holders", it.sketch(), names, Methods::Reading)
    });
    read.into_iter().chain(list).chain(holders)
}

fn writes(class: &Class) -> Vec<(&'static str, &Write, &'static [&'static str])> {
    let of_entitlement = class
        .entitlement
        .iter()
        .flat_map(|it| [("entitlement.grant", &it.grant, ASSIGNMENT), ("entitlement.revoke", &it.revoke, ASSIGNMENT)]);
    let optional = [
        ("create", &class.create, ["name", "attributes"].as_slice()),
        ("update", &class.update, UPDATE),
        ("delete", &class.delete, ONE),
        ("enable", &class.enable, ONE),
        ("disable", &class.disable, ONE),
        ("passwords.set", &class.passwords.set, &["uid", "current", "revision", "must_change"]),
        ("passwords.change", &class.passwords.change, ONE),
    ];
    let optional = optional.into_iter().filter_map(|(at, write, names)| Some((at, write.as_ref()?, names)));
    optional.chain(of_entitlement).collect()
}

fn request(used: &Used<'_>) -> Checked {
    let method = used.sketch.request.method;
    match used.methods {
        Methods::Reading if !method.is_safe() => {
            return Err(format!("{} changes things; read with GET", method.as_str()));
        }
        Methods::Listing if !method.is_safe() && method != Method::Post => {
            return Err(format!("{} changes things; read with GET or POST", method.as_str()));
        }
        Methods::Writing if method.is_safe() => {
            return Err(format!(
                "{} is repeated when an answer is lost, so nothing is written with it",
                method.as_str()
            ));
        }
        _ => {}
    }
    names(&used.sketch.names(), used.names)
}

/// A rule that fits everything would make failures of all that succeeds.
fn rule(rule: &Rule) -> Checked {
    match (&rule.pointer, rule.status) {
        (None, _) if rule.equals.is_some() || rule.contains.is_some() => {
            Err("`equals` and `contains` are about what stands at `pointer`, which is missing".to_owned())
        }
        (None, None) => Err("it fits every answer; say `status` or `pointer`".to_owned()),
        _ => Ok(()),
    }
}

fn names(used: &[String], known: &[&str]) -> Checked {
    let mut used = used.iter().map(|name| name.split('.').next().unwrap_or_default());
    let strange = used.find(|name| !known.contains(name) && !EVERYWHERE.contains(name));
    match strange {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = known.iter().chain(&EVERYWHERE).copied().collect();
            Err(format!("a template uses `{name}`, which means nothing here; there are {}", known.join(", ")))
        }
    }
}

fn auth(mapping: &Mapping) -> Checked {
    match &mapping.auth {
        // Permissions for a secret in the body are for the path that logs in.
        Auth::Secret(Place::Form(_) | Place::Json(_)) => {
            Err("auth.secret: it goes as bearer, basic, header or query; in a body, only to log in".to_owned())
        }
        Auth::None | Auth::Oauth(_) | Auth::Secret(_) => Ok(()),
        Auth::Login(login) => {
            let at = |why: String| format!("auth.login: {why}");
            names(&login.sketch().names(), &[]).map_err(at)?;
            fits(&login.secret, &login.content).map_err(at)?;
            match login.place {
                Place::Form(_) | Place::Json(_) | Place::Basic(_) => {
                    Err(at("a token goes as bearer, header or query".to_owned()))
                }
                _ => Ok(()),
            }
        }
    }
}

/// Is there the kind of body that a secret is placed in?
fn fits(place: &Place, content: &Content) -> Checked {
    match (place, content) {
        (Place::Form(_), Content::Form(_)) | (Place::Json(_), Content::Json(_)) => Ok(()),
        (Place::Form(_), _) => Err("a secret is placed in a form field, and the body is no form".to_owned()),
        (Place::Json(_), _) => Err("a secret is placed by a JSON pointer, and there is no JSON body".to_owned()),
        _ => Ok(()),
    }
}

fn class(mapping: &Mapping, class: &Class) -> Checked {
    for (name, attribute) in class.attributes.iter().chain(class.entitlement.iter().flat_map(|it| &it.parameters)) {
        self::attribute(mapping, name, attribute).map_err(|why| format!("{name}: {why}"))?;
    }
    locators(class)?;
    if class.enable.is_some() != class.disable.is_some() {
        return Err("`enable` and `disable` belong together".to_owned());
    }
    if class.get.is_none() && class.list.is_none() {
        return Err("there is neither `list` nor `get`, so nothing can be read".to_owned());
    }
    for (at, it, _) in writes(class) {
        write(class, at, it).map_err(|why| format!("{at}: {why}"))?;
    }
    match &class.entitlement {
        Some(_) if class.kind != ClassKind::Entitlement => Err("`entitlement` is for the kind entitlement".to_owned()),
        Some(of) => entitlement(mapping, class, of),
        None => Ok(()),
    }
}

fn attribute(mapping: &Mapping, name: &str, attribute: &Attribute) -> Checked {
    if name.is_empty() || name.starts_with('@') || name == PASSWORDS[0] {
        return Err("this cannot be the name of an attribute; passwords stand under `passwords`".to_owned());
    }
    match (attribute.kind, &attribute.refers_to) {
        (Kind::Reference, None) => return Err("a reference needs `refers-to`, the class it points to".to_owned()),
        (Kind::Reference, Some(class)) => known(mapping, class)?,
        (_, Some(_)) => return Err("`refers-to` is for references".to_owned()),
        _ => {}
    }
    if attribute.when_true.is_some() != attribute.when_false.is_some() {
        return Err("`when-true` and `when-false` belong together".to_owned());
    }
    if attribute.when_true.is_some() && attribute.kind != Kind::Boolean {
        return Err("`when-true` is for booleans".to_owned());
    }
    if !attribute.allowed.is_empty() && attribute.kind != Kind::Text {
        return Err("`allowed` is for texts".to_owned());
    }
    match &attribute.separator {
        Some(separator) if !attribute.multi_valued || separator.is_empty() => {
            Err("`separator` is a text, for attributes that are `multi-valued`".to_owned())
        }
        _ => Ok(()),
    }
}

fn locators(class: &Class) -> Checked {
    let of = class.entitlement.iter();
    let assigned = of.clone().filter_map(|it| it.list.as_ref()).map(|it| &it.entitlement);
    let holders = of.filter_map(|it| it.holders.as_ref());
    let held = holders.flat_map(|it| it.entitlement.iter().chain([&it.principal]));
    let all = [&class.uid].into_iter().chain(&class.name).chain(assigned).chain(held);
    for locator in all {
        if let Locator::Template(text) = locator {
            names(&text.names(), &["item"])?;
        }
    }
    Ok(())
}

fn write(class: &Class, at: &str, write: &Write) -> Checked {
    let needs_get = write.read
        || write.send == Send::Whole
        || (write.request.method == Method::Put && !at.starts_with("entitlement"));
    if needs_get && class.get.is_none() {
        return Err(
            "it reads the object before, so that none is made or overwritten by mistake; `get` is missing".to_owned()
        );
    }
    if write.read && at.starts_with("entitlement") {
        return Err("`read` is for objects; what is granted already shows `entitlement.read`".to_owned());
    }
    if write.send == Send::Whole && at != "update" {
        return Err("`send: whole` is for `update`".to_owned());
    }
    if matches!(write.content, Content::Form(_)) && write.send != Send::None && matches!(at, "create" | "update") {
        return Err("attributes are put into JSON; say `send: none` and fill the form with templates".to_owned());
    }
    for (secret, place) in &write.secrets {
        let captured = class.get.as_ref().is_some_and(|get| get.capture.contains_key(secret));
        if !captured && !PASSWORDS.contains(&secret.as_str()) {
            return Err(format!(
                "there is no secret `{secret}`; there are password, old-password, and what `get` captures"
            ));
        }
        if matches!(place, Place::Form(_)) != matches!(write.content, Content::Form(_))
            && matches!(place, Place::Form(_) | Place::Json(_))
        {
            return Err(format!("the secret `{secret}` and the body are of two kinds; both are JSON, or both a form"));
        }
    }
    if at.starts_with("passwords") && !write.secrets.contains_key(PASSWORDS[0]) {
        return Err("`secrets` does not say where `password` goes".to_owned());
    }
    if write.send == Send::Whole { put_back(class, write) } else { Ok(()) }
}

/// What was taken out of the object has to be put back where it stood: what stands there is not it.
fn put_back(class: &Class, write: &Write) -> Checked {
    let Some(get) = &class.get else { return Ok(()) };
    for (name, source) in &get.capture {
        let Some(inside) = source.pointer().and_then(|pointer| pointer.inside(&get.item)) else { continue };
        let place = inside.below(&write.at);
        if write.secrets.get(name) != Some(&Place::Json(place.clone())) {
            return Err(format!(
                "`send: whole` sends what `get` captures back masked; say `{name}: {{json: {}}}` in `secrets`",
                place.as_str()
            ));
        }
    }
    Ok(())
}

fn entitlement(mapping: &Mapping, class: &Class, of: &Entitlement) -> Checked {
    of.to.iter().try_for_each(|to| known(mapping, to))?;
    if of.to.is_empty() {
        return Err("`entitlement.to` names no class it can be granted to".to_owned());
    }
    match &of.holders {
        Some(holders) if of.to.len() != 1 => {
            Err(format!("`{}` holds objects of one class, and `to` names {}", holders.attribute, of.to.len()))
        }
        Some(holders) if class.attributes.contains_key(&holders.attribute) => {
            Err(format!("`{}` is an attribute of its own already", holders.attribute))
        }
        Some(holders) if holders.entitlement.is_none() && class.list.is_none() => {
            Err("`holders` is asked for each object, and there is no `list` of them".to_owned())
        }
        _ => Ok(()),
    }
}

fn known(mapping: &Mapping, class: &str) -> Checked {
    if mapping.classes.contains_key(class) {
        Ok(())
    } else {
        Err(format!("there is no class `{class}` in the mapping"))
    }
}
