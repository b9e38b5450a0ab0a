//! `hawser demo`: the main job on real files, from nothing to an audited year in the life of a company's accounts.
//!
//! Everything goes over HTTP, as an IAM core would do it, and each step insists on its answer: the demo ends well only
//! if every step did what it should. [`tell`] is the story's table of contents.

mod ground;
mod people;
pub mod server;
mod show;
mod steps;
mod story;
mod vendor;

use clap::Args;

use super::build::GuestArgs;
use super::fault::{Exit, Fault};
use super::logging::Logging;
use super::out;
use super::serve::asked_to_stop;
use crate::clock::Clock;
use ground::Ground;
use people::Company;
use steps::{accounts, audit, entitlements, imports, passwords, refusals, setup, trust};
use story::Story;
use vendor::Vendor;

/// The fewest people: enough for every person the story names.
const PEOPLE_MIN: u64 = 200;
/// The most people.
const PEOPLE_MAX: u64 = 1_000_000;
/// Warnings only, and not those the story is about: the log does not talk into it.
const LOG: &str = "warn,hawser::tasks=error";

/// Watch the main job happen: build the CSV connector, start a host, and manage a company's accounts.
#[derive(Args)]
pub(super) struct Demo {
    /// How many people the company has.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(PEOPLE_MIN..=PEOPLE_MAX))]
    rows: u64,
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
        let company = Company { people: self.rows };
        title(company)?;
        let ground = Ground::prepare(self.guest, company, clock.clone()).await?;
        let told = tokio::select! {
            told = tell(&ground, company, clock) => told.and_then(|steps| the_end(&ground, steps, self.keep)),
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
async fn tell(ground: &Ground, company: Company, clock: Clock) -> Result<u32, Fault> {
    let tokens = ground.tokens();
    let (operator, core) = (ground.client(&tokens.operator)?, ground.client(&tokens.core)?);
    let vendor = Vendor::of(&ground.connector, clock.clone())?;
    let mut story = Story::new(company, operator, core, clock);
    trust::stranger(&mut story, &vendor).await?;
    trust::trust(&mut story, &vendor).await?;
    trust::install(&mut story, &vendor).await?;
    setup::configure(&mut story, &ground.data()).await?;
    trust::approve(&mut story).await?;
    setup::check(&mut story).await?;
    setup::schema(&mut story).await?;
    imports::first(&mut story).await?;
    accounts::search(&mut story).await?;
    accounts::joiner(&mut story).await?;
    accounts::mover(&mut story).await?;
    entitlements::grant(&mut story).await?;
    entitlements::revoke(&mut story).await?;
    passwords::reset(&mut story).await?;
    passwords::authenticate(&mut story).await?;
    accounts::leaver(&mut story).await?;
    imports::second(&mut story).await?;
    imports::held(&mut story, &ground.data()).await?;
    refusals::tampered(&mut story, &vendor).await?;
    refusals::older(&mut story, &vendor).await?;
    refusals::reveal(&mut story, &vendor).await?;
    refusals::outside(&mut story, &ground.data()).await?;
    audit::verify(&mut story).await?;
    Ok(story.steps())
}

fn title(company: Company) -> Result<(), Fault> {
    let (people, groups) = (show::number(company.people), show::number(company.groups()));
    let text = format!("Hawser: {people} people and {groups} groups in CSV files, managed by a connector in a sandbox");
    out::line(console::style(text).bold())
}

fn the_end(ground: &Ground, steps: u32, keep: bool) -> Result<(), Fault> {
    let program = std::env::args().next().unwrap_or_else(|| "hawser".to_owned());
    out::line("")?;
    out::line(console::style(format!("All {steps} steps did what they should.")).green().bold())?;
    if keep {
        out::line(format_args!("The host runs at {} until Ctrl-C. Ask it yourself:", ground.url()))?;
        out::line(format_args!("  export HAWSER_URL={} HAWSER_TOKEN={}", ground.url(), ground.tokens().operator))?;
        out::line(format_args!("  {program} object list people account --filter 'department eq \"Sales\"'"))?;
        out::line(format_args!("  {program} connection schema people"))?;
        out::line(format_args!("  the API document: {}/openapi.json", ground.url()))
    } else {
        out::line(format_args!("To keep the host running and ask it yourself: {program} demo --keep"))?;
        let connector = ground.connector.display();
        out::line(format_args!("A host of your own: {program} serve --allow-unsigned --connectors {connector}"))?;
        out::line("The API document (OpenAPI 3.1) is at /openapi.json of every host.")
    }
}

/// Elsewhere a reader that goes away is fine; a demo that was not told to its end did not succeed.
fn whole_story(fault: Fault) -> Fault {
    match fault.exit {
        Exit::Done => Fault::failed(fault.message),
        _ => fault,
    }
}
