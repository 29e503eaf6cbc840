//! From sources to a plan: what the hub adds to the configuration, and what it must not do to itself.

use std::net::{SocketAddr, TcpListener};

use fanlight_config::{ComponentId, ConfigError, ConfigErrors, Document, ListenAddress, Node};
use fanlight_net::self_loop;
use fanlight_pipeline::{Additions, Listening, Peer, Plan};

use crate::sources::{Sources, Unusable};
use crate::tables;

/// Makes the plan.
///
/// A destination at an address where the hub would listen by default, while another program listens there already, is
/// that program: the hub leaves the address to it. Where nobody listens, the destination is the hub itself, which is
/// refused.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub(crate) fn plan(
    sources: &mut Sources,
    additions: impl Fn(&Sources) -> Result<Additions, ConfigError>,
) -> Result<Plan, Unusable> {
    let make = |sources: &Sources| {
        let additions = additions(sources).map_err(|error| errors_of(sources, vec![error]))?;
        Plan::new(&sources.loaded.document, &tables::all(), additions)
            .map_err(|errors| errors_of(sources, errors))
    };
    let mut plan = make(sources)?;
    for _ in 0..DEFAULT_LISTENERS {
        let Some((exporter, taken)) = find_loop(&plan, sources) else {
            return Ok(plan);
        };
        if !leave_to_others(sources, &exporter, taken) {
            let error = points_at_itself(&plan, &exporter, taken);
            return Err(errors_of(sources, vec![error]));
        }
        plan = make(sources)?;
    }
    Ok(plan)
}

/// How many addresses the hub listens on by default, besides the status page: gRPC, HTTP, dashboard, LLM proxy.
const DEFAULT_LISTENERS: usize = 5;

/// The first exporter that leads to an address where the hub will listen.
fn find_loop(plan: &Plan, sources: &Sources) -> Option<(ComponentId, SocketAddr)> {
    let mut addresses: Vec<SocketAddr> = plan
        .endpoints()
        .filter_map(|(_, peer)| socket_addr(&peer))
        .collect();
    let dashboard = sources
        .settings
        .dashboard
        .as_ref()
        .and_then(|dashboard| dashboard.endpoint.socket_addr());
    addresses.extend(dashboard);
    let listening = addresses.into_iter().map(|address| Listening {
        protocol: "",
        address,
        tls: false,
    });
    let listening: Vec<Listening> = listening.collect();
    let names = own_names();
    plan.destinations().find_map(|(id, destination, _)| {
        let found = self_loop::find(&destination.peers, &listening, &names)?;
        Some((id.clone(), found.address))
    })
}

fn socket_addr(peer: &Peer) -> Option<SocketAddr> {
    ListenAddress::new(&*peer.host, peer.port).socket_addr()
}

/// Gives an address up that nobody asked the hub to listen on, if another program has it. Says whether it did.
fn leave_to_others(sources: &mut Sources, exporter: &ComponentId, taken: SocketAddr) -> bool {
    if TcpListener::bind(taken).is_ok() {
        return false;
    }
    let root = sources.loaded.document.root();
    if let Some(dashboard) = sources.settings.dashboard.as_mut()
        && dashboard.endpoint.port() == taken.port()
        && root
            .get("dashboard")
            .and_then(|node| node.get("endpoint"))
            .is_none()
    {
        let port = taken.port().wrapping_add(1);
        dashboard.endpoint = ListenAddress::new("127.0.0.1", port);
        sources.loaded.notes.push(format!(
            "{exporter} sends to a program on port {}; the dashboard moved to {port}",
            taken.port()
        ));
        return true;
    }
    match without_protocol(root, taken.port()) {
        Some(document) => {
            sources.loaded.document = document;
            let note = format!(
                "{exporter} sends to a program on port {}, so the hub does not listen there itself",
                taken.port()
            );
            sources.loaded.notes.push(note);
            true
        }
        None => false,
    }
}

/// The configuration without the default receiver's protocol on a port; none where the user wrote it down.
fn without_protocol(root: &Node, port: u16) -> Option<Document> {
    let receivers = root
        .get("receivers")
        .filter(|node| &*node.location().file == "default")?;
    let otlp = receivers.get("otlp")?;
    let protocols = otlp.get("protocols")?;
    let on_port = |node: &Node| {
        let endpoint = node
            .get("endpoint")
            .and_then(|endpoint| endpoint.decode::<ListenAddress>().ok());
        &*node.location().file == "default"
            && endpoint.is_some_and(|endpoint| endpoint.port() == port)
    };
    let (protocol, _, _) = protocols
        .entries()
        .ok()?
        .into_iter()
        .find(|(_, _, node)| on_port(node))?;
    let protocols = protocols.clone().without(protocol);
    let receivers = receivers
        .clone()
        .with("otlp", otlp.clone().with("protocols", protocols));
    Some(Document::from_root(
        root.clone().with("receivers", receivers),
    ))
}

fn points_at_itself(plan: &Plan, exporter: &ComponentId, address: SocketAddr) -> ConfigError {
    let message = format!(
        "exporter {exporter} points at the hub itself: it listens on {address}, so everything would go round for ever"
    );
    plan.exporter_error(exporter, "endpoint", message).hint(
        "start the backend that should listen there before the hub, give the exporter another endpoint, or let the hub listen elsewhere \
         (--otlp-grpc, --otlp-http, --dashboard)",
    )
}

/// The names by which this machine calls itself.
fn own_names() -> Vec<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .into_iter()
        .collect()
}

fn errors_of(sources: &Sources, errors: Vec<ConfigError>) -> Unusable {
    Unusable {
        errors: ConfigErrors(errors),
        texts: sources.texts.clone(),
    }
}
