//! Rules across components, one small function each.

use std::collections::BTreeSet;

use fanlight_config::blocks::Sizer;
use fanlight_config::{ComponentId, ConfigError, Node};

use super::plan::{Pipeline, Plan};

/// Checks everything; each broken rule adds an error at the line to change.
pub(crate) fn check(plan: &Plan, root: &Node, errors: &mut Vec<ConfigError>) {
    if plan.pipelines().is_empty() {
        errors.push(nothing_to_do(plan, root));
    }
    for pipeline in plan.pipelines() {
        errors.extend(has_both_ends(pipeline, root));
        errors.extend(takes_its_signal(plan, pipeline, root));
    }
    errors.extend(connectors_join_two_pipelines(plan, root));
    errors.extend(no_circle(plan, root));
    errors.extend(extensions_are_running(plan, root));
    errors.extend(queues_on_disk_count_what_they_can(plan));
}

fn nothing_to_do(plan: &Plan, root: &Node) -> ConfigError {
    let missing = if plan.exporters.parts.is_empty() {
        "exporters"
    } else {
        "receivers"
    };
    root.error_at(
        missing,
        format!("there are no {missing}, so there is nothing to do"),
    )
    .hint("a hub needs at least one receiver and one exporter")
}

fn has_both_ends(pipeline: &Pipeline, root: &Node) -> Vec<ConfigError> {
    let ends = [
        ("receiver", &pipeline.receivers),
        ("exporter", &pipeline.exporters),
    ];
    let missing = ends.into_iter().filter(|(_, ids)| ids.is_empty());
    missing
        .map(|(class, _)| {
            let id = pipeline.id();
            place(root, &id)
                .error(format!("pipeline {id} has no {class}"))
                .hint(format!(
                    "list at least one under service.pipelines.{id}.{class}s"
                ))
        })
        .collect()
}

fn takes_its_signal(plan: &Plan, pipeline: &Pipeline, root: &Node) -> Vec<ConfigError> {
    let signal = pipeline.signal;
    let at = place(root, &pipeline.id());
    let mut errors = Vec::new();
    let mut refuse = |class: &str, id: &ComponentId, signals: fanlight_otlp::SignalSet| {
        if !signals.contains(signal) {
            errors.push(
                at.error_at(
                    &format!("{class}s"),
                    format!("{class} {id} does not take {signal}; it takes {signals}"),
                )
                .hint(format!("take it out of pipeline {}", pipeline.id())),
            );
        }
    };
    for id in &pipeline.receivers {
        if let Some(part) = plan.receivers.find(id) {
            refuse("receiver", id, part.config.signals());
        }
    }
    for id in &pipeline.processors {
        if let Some(part) = plan.processors.find(id) {
            refuse("processor", id, part.config.signals());
        }
    }
    for id in &pipeline.exporters {
        if let Some(part) = plan.exporters.find(id) {
            refuse("exporter", id, part.config.signals());
        }
    }
    errors
}

fn connectors_join_two_pipelines(plan: &Plan, root: &Node) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for part in &plan.connectors.parts {
        let into = plan
            .pipelines()
            .iter()
            .filter(|pipeline| pipeline.exporters.contains(&part.id));
        let out_of: Vec<&Pipeline> = plan
            .pipelines()
            .iter()
            .filter(|pipeline| pipeline.receivers.contains(&part.id))
            .collect();
        let mut is_fed = false;
        for from in into {
            is_fed = true;
            if !out_of
                .iter()
                .any(|to| part.config.connects(from.signal, to.signal))
            {
                let message = format!("connector {} leads {} nowhere", part.id, from.signal);
                errors.push(
                    place(root, &from.id())
                        .error_at("exporters", message)
                        .hint(format!(
                            "list {} as a receiver of a pipeline of a signal that it can produce",
                            part.id
                        )),
                );
            }
        }
        if !is_fed && !out_of.is_empty() {
            let message = format!("connector {} gets nothing", part.id);
            errors.push(
                root.error_at("connectors", message)
                    .hint(format!("list {} as an exporter of a pipeline", part.id)),
            );
        }
    }
    errors
}

/// Walks from every pipeline through connectors; coming back to one on the way is a circle.
fn no_circle(plan: &Plan, root: &Node) -> Option<ConfigError> {
    fn walk<'a>(
        plan: &'a Plan,
        pipeline: &'a Pipeline,
        way: &mut Vec<&'a Pipeline>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if way.contains(&pipeline) {
            way.push(pipeline);
            return true;
        }
        if !done.insert(pipeline.id()) {
            return false;
        }
        way.push(pipeline);
        let connectors = pipeline
            .exporters
            .iter()
            .filter(|id| plan.exporters.find(id).is_none());
        let circle = connectors
            .flat_map(|id| {
                plan.pipelines()
                    .iter()
                    .filter(move |next| next.receivers.contains(id))
            })
            .any(|next| walk(plan, next, way, done));
        if !circle {
            way.pop();
        }
        circle
    }
    let mut done = BTreeSet::new();
    let mut way = Vec::new();
    let start = plan
        .pipelines()
        .iter()
        .find(|pipeline| walk(plan, pipeline, &mut way, &mut done))?;
    let way: Vec<String> = way.iter().map(|pipeline| pipeline.id()).collect();
    let message = format!("pipelines go in a circle: {}", way.join(" -> "));
    Some(
        place(root, &start.id())
            .error_at("exporters", message)
            .hint("take one of the connectors out"),
    )
}

fn extensions_are_running(plan: &Plan, root: &Node) -> Vec<ConfigError> {
    let mut needed: Vec<(&ComponentId, ComponentId)> = Vec::new();
    let pipelines = plan.pipelines();
    for part in &plan.receivers.parts {
        if pipelines
            .iter()
            .any(|pipeline| pipeline.receivers.contains(&part.id))
        {
            needed.extend(
                part.config
                    .extensions()
                    .into_iter()
                    .map(|id| (&part.id, id)),
            );
        }
    }
    for part in &plan.exporters.parts {
        if pipelines
            .iter()
            .any(|pipeline| pipeline.exporters.contains(&part.id))
        {
            let used = part
                .config
                .extensions()
                .into_iter()
                .chain(part.config.settings().queue.storage);
            needed.extend(used.map(|id| (&part.id, id)));
        }
    }
    let missing = needed.into_iter().filter(|(_, id)| {
        let defined = plan.extensions.find(id).map(|part| &part.id);
        !defined.is_some_and(|id| plan.running_extensions.contains(id))
    });
    missing
        .map(|(user, id)| {
            let service = root.get("service").unwrap_or(root);
            service
                .error_at(
                    "extensions",
                    format!("{user} uses extension {id}, which is not running"),
                )
                .hint(format!(
                    "define {id} under extensions: and list it under service.extensions"
                ))
        })
        .collect()
}

fn queues_on_disk_count_what_they_can(plan: &Plan) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for part in &plan.exporters.parts {
        let queue = part.config.settings().queue;
        let mut refuse = |message: &str, hint: &str| {
            errors.push(
                plan.exporter_error(&part.id, "sending_queue", message)
                    .hint(hint),
            );
        };
        if queue.storage.is_some() && queue.sizer == Sizer::Items {
            refuse(
                "a queue on disk can't count items",
                "write sizer: requests or sizer: bytes",
            );
        }
        if queue.storage.is_some() && (queue.wait_for_result || !queue.enabled) {
            refuse(
                "a queue on disk answers once the batch is there",
                "take storage out, or wait_for_result and enabled: false",
            );
        }
    }
    errors
}

/// The value of a pipeline, or the nearest thing that is there.
fn place<'a>(root: &'a Node, pipeline: &str) -> &'a Node {
    let Some(service) = root.get("service") else {
        return root;
    };
    let Some(pipelines) = service.get("pipelines") else {
        return service;
    };
    pipelines.get(pipeline).unwrap_or(pipelines)
}
