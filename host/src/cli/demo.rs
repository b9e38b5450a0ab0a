//! `hawser demo`: the main job on real files, a real directory or a real service, from nothing to an audited year in the life of a
//! company's accounts.
//!
//! Everything goes over HTTP, as an IAM core would do it, and each step insists on its answer: the demo ends well only
//! if every step did what it should. [`tour`] is the story's table of contents, for every single target ([`target`]).

mod directory;
mod files;
mod ground;
mod guide;
mod people;
pub mod server;
mod service;
mod show;
mod steps;
mod story;
mod target;
mod vendor;

use std::sync::Arc;

use clap::Args;

use super::build::GuestArgs;
use super::fault::{Exit, Fault};
use super::logging::Logging;
use super::out;
use super::serve::asked_to_stop;
use crate::clock::Clock;
use ground::Ground;
use people::Company;
use steps::{accounts, audit, entitlements, imports, mapping, passwords, read_back, refusals, setup, trust};
use story::Story;
use target::Kind;
use vendor::Vendor;

/// Warnings only, and not those the story is about: the log does not talk into it.
const LOG: &str = "warn,hawser::tasks=error,guest=error";

/// Watch the main job happen: build a connector, start a host, and manage a company's accounts.
#[derive(Args)]
pub(super) struct Demo {
    /// Where the accounts are
    #[arg(long, value_enum, default_value_t = Kind::Csv, value_name = "TARGET")]
    target: Kind,
    /// How many people the company has [default: 10000 in CSV files, 2000 in OpenLDAP, 200 in Active Directory, 1000 in a SCIM service and in mapping]
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Leave the host running at the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    guest: GuestArgs,
}

impl Demo {
    pub(super) async fn run(self, logging: &Logging) -> Result<(), Fault> {
        logging.start(LOG, false)?;
        let clock = Clock::system();
        let company = self.target.company(self.rows)?;
        self.target.require()?;
        title(company, self.target)?;
        let ground = Ground::prepare(self.target, self.guest, company, clock.clone()).await?;
        let told = tokio::select! {
            told = tell(self.target, &ground, company, clock) => told.and_then(|steps| the_end(self.target, &ground, steps, self.keep)),
            stopped = asked_to_stop() => stopped.and(Err(Fault::failed("the demo was stopped"))),
        };
        let kept = match told {
            Ok(()) if self.keep => asked_to_stop().await,
            told => told,
        };
        ground.clear().await?;
        kept.map_err(whole_story)
    }
}

/// The story; gives the number of its steps.
async fn tell(kind: Kind, ground: &Ground, company: Company, clock: Clock) -> Result<u32, Fault> {
    let tokens = ground.tokens();
    let (operator, core) = (ground.client(&tokens.operator)?, ground.client(&tokens.core)?);
    let mut story = Story::new(company, Arc::clone(ground.target()), operator, core, clock.clone());
    match kind {
        Kind::Mapping => mapping::tell(&mut story, ground, &clock).await?,
        _ => tour(&mut story, ground, clock).await?,
    }
    Ok(story.steps())
}

/// The story of one target.
async fn tour(story: &mut Story, ground: &Ground, clock: Clock) -> Result<(), Fault> {
    let vendor = Vendor::of(ground.connector(), clock)?;
    trust::stranger(story, &vendor).await?;
    trust::trust(story, &vendor).await?;
    trust::install(story, &vendor).await?;
    setup::configure(story).await?;
    trust::approve(story).await?;
    setup::check(story).await?;
    setup::schema(story).await?;
    imports::first(story).await?;
    accounts::search(story).await?;
    accounts::look_up(story).await?;
    accounts::joiner(story).await?;
    accounts::mover(story).await?;
    entitlements::grant(story).await?;
    entitlements::revoke(story).await?;
    passwords::reset(story).await?;
    if ground.target().terms().checks_passwords {
        passwords::authenticate(story).await?;
    }
    accounts::leaver(story).await?;
    imports::second(story).await?;
    imports::held(story).await?;
    refusals::tampered(story, &vendor).await?;
    refusals::older(story, &vendor).await?;
    refusals::reveal(story, &vendor).await?;
    refusals::outside(story).await?;
    if let Some(elsewhere) = ground.target().elsewhere() {
        refusals::elsewhere(story, elsewhere).await?;
    }
    audit::verify(story).await?;
    if let Some(directory) = ground.target().directory() {
        passwords::bind(story, directory).await?;
    }
    if let Some(service) = ground.target().service() {
        read_back::service(story, service).await?;
    }
    Ok(())
}

fn title(company: Company, kind: Kind) -> Result<(), Fault> {
    let (people, groups, place) = (show::number(company.people), show::number(company.groups()), kind.terms().place);
    let text = match kind.other() {
        None => format!("Hawser: {people} people and {groups} groups in {place}, managed by a connector in a sandbox"),
        Some(other) => {
            format!("Hawser: {people} people in {place} and their accounts in {}, mapped", other.terms().place)
        }
    };
    out::line(console::style(text).bold())
}

fn the_end(kind: Kind, ground: &Ground, steps: u32, keep: bool) -> Result<(), Fault> {
    let program = std::env::args().next().unwrap_or_else(|| "hawser".to_owned());
    out::line("")?;
    out::line(console::style(format!("All {steps} steps did what they should.")).green().bold())?;
    if keep {
        return ask_yourself(kind, ground, &program);
    }
    let target = kind.name();
    out::line(format_args!("To keep the host running and ask it yourself: {program} demo --target {target} --keep"))?;
    let connector = ground.connector().display();
    out::line(format_args!("A host of your own: {program} serve --allow-unsigned --connectors {connector}"))?;
    out::line("The API document (OpenAPI 3.1) is at /openapi.json of every host.")
}

fn ask_yourself(kind: Kind, ground: &Ground, program: &str) -> Result<(), Fault> {
    out::line(format_args!("The host runs at {} until Ctrl-C. Ask it yourself:", ground.url()))?;
    out::line(format_args!("  export HAWSER_URL={} HAWSER_TOKEN={}", ground.url(), ground.tokens().operator))?;
    if kind == Kind::Mapping {
        out::line(format_args!("  {program} mapping entities person"))?;
        out::line(format_args!("  {program} mapping owners whose"))?;
    } else {
        let department = ground.target().terms().department;
        out::line(format_args!("  {program} object list people account --filter '{department} eq \"Sales\"'"))?;
        out::line(format_args!("  {program} connection schema people"))?;
    }
    out::line(format_args!("  the API document: {}/openapi.json", ground.url()))?;
    ground
        .sides()
        .filter_map(|side| side.target.looking())
        .try_for_each(|looking| out::line(format_args!("  {looking}")))
}

/// Elsewhere a reader that goes away is fine; a demo that was not told to its end did not succeed.
fn whole_story(fault: Fault) -> Fault {
    match fault.exit {
        Exit::Done => Fault::failed(fault.message),
        _ => fault,
    }
}
