// What is served: the models, and the prototypes of each.
import { askJson } from "/assets/api.js";

let served = [];

export async function readModels() {
  served = (await askJson("/v1/models")).models.filter((model) => model.served);
  known.clear();
  return served;
}

export const models = () => served;
export const modelNamed = (name) => served.find((model) => model.name === name.split("@")[0]);
export const prototypeModels = () => served.filter((model) => model.kind === "prototypes");
export const canSonify = (model) => Boolean(model && model.prototypes && model.prototypes.decoder);

const known = new Map();

// Summaries of a model's prototypes by id.
export function summariesOf(name) {
  if (!known.has(name)) {
    const coming = askJson(`/v1/prototypes?${new URLSearchParams({ model: name })}`)
      .then(({ prototypes }) => new Map(prototypes.map((each) => [each.id, each])));
    coming.catch(() => known.delete(name));
    known.set(name, coming);
  }
  return known.get(name);
}

export function describe(model) {
  const { head, labels, licence, patch, prototypes } = model;
  const made = prototypes
    ? `${prototypes.n_prototypes || "Some"} prototypes of ${labels.length} classes, in the space of ${prototypes.backbone}.`
    : head
      ? `${labels.length} ${head.task === "regression" ? "values" : "labels"}, in the space of ${head.backbone}.`
      : `${labels.length} labels.`;
  const cut = patch ? ` Patches of ${patch.length_s.toFixed(1)} s.` : "";
  return `${model.description} ${made}${cut} Weights: ${licence.spdx}, ${licence.holder}.`;
}
