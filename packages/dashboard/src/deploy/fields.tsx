import type { ReactNode } from "react";
import { Field, SelectInput, TextArea, TextInput } from "../ui/field.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { PlanTable } from "./plan-table.tsx";
import { nameRule, type Faults } from "./order.ts";
import type { Ordering } from "./use-order.ts";

interface PartProps {
  ordering: Ordering;
  /** Told once it has been tried to send them. */
  faults: Faults;
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="flex flex-col gap-4 border-b border-line pb-6 last:border-0">
      <legend className="mb-3 text-base font-semibold">{title}</legend>
      {children}
    </fieldset>
  );
}

export function PlaceFields({ ordering: { order, set, providers = [], catalog, catalogError }, faults }: PartProps) {
  return (
    <Part title="Where">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Provider" htmlFor="provider" error={faults.provider}>
          <SelectInput
            id="provider"
            value={order.provider}
            onChange={(provider) => set({ provider, region: "", type: "", image: "" })}
            options={providers.map(({ name, driver }) => ({ value: name, label: `${name} (${driver})` }))}
          />
        </Field>
        <Field label="Region" htmlFor="region">
          <SelectInput
            id="region"
            value={order.region}
            onChange={(region) => set({ region })}
            disabled={catalog === undefined}
            options={(catalog?.regions ?? []).map(({ id, label }) => ({ value: id, label: `${label} (${id})` }))}
          />
        </Field>
      </div>
      {catalogError !== null && <ErrorNote error={catalogError} />}
      {catalog?.stale !== undefined && (
        <p className="text-xs text-warn">The catalog is older than it should be: {catalog.stale}</p>
      )}
    </Part>
  );
}

const imageKinds = { golden: "golden, ready in seconds", public: "public", private: "own" } as const;

export function MachineFields({ ordering: { order, set, catalog, image } }: PartProps) {
  return (
    <Part title="What">
      <Field
        label="Image"
        htmlFor="image"
        hint={image?.kind === "public" ? "It installs itself at first boot: minutes, not seconds" : undefined}
      >
        <SelectInput
          id="image"
          value={order.image}
          onChange={(next) => set({ image: next })}
          disabled={catalog === undefined}
          aria-describedby="image-hint"
          options={(catalog?.images ?? []).map(({ id, label, kind }) => ({
            value: id,
            label: `${label} – ${imageKinds[kind]}`,
          }))}
        />
      </Field>
      {catalog === undefined ? (
        <Skeleton className="h-48" />
      ) : (
        <PlanTable
          plans={catalog.types}
          region={order.region}
          image={image}
          value={order.type}
          onChange={(type) => set({ type })}
        />
      )}
    </Part>
  );
}

export function IdentityFields({ ordering: { order, set }, faults }: PartProps) {
  return (
    <Part title="Name">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name" htmlFor="name" hint={nameRule} error={faults.name}>
          <TextInput
            id="name"
            value={order.name}
            onChange={(name) => set({ name })}
            placeholder="web-1"
            autoComplete="off"
            spellCheck={false}
            autoFocus
            required
            aria-invalid={faults.name !== undefined}
            aria-describedby="name-hint"
          />
        </Field>
        <Field label="Tags" htmlFor="tags" hint="To find them together: web, team:shop" error={faults.tags}>
          <TextInput
            id="tags"
            value={order.tags}
            onChange={(tags) => set({ tags })}
            autoComplete="off"
            aria-invalid={faults.tags !== undefined}
            aria-describedby="tags-hint"
          />
        </Field>
      </div>
    </Part>
  );
}

export function BootFields({ ordering: { order, set }, faults }: PartProps) {
  return (
    <Part title="First boot">
      <Field label="SSH keys" htmlFor="keys" hint="Public keys of root, one for each line" error={faults.sshKeys}>
        <TextArea
          id="keys"
          value={order.sshKeys}
          onChange={(sshKeys) => set({ sshKeys })}
          placeholder="ssh-ed25519 AAAA… you@laptop"
          rows={2}
          aria-invalid={faults.sshKeys !== undefined}
          aria-describedby="keys-hint"
        />
      </Field>
      <Field
        label="Script"
        htmlFor="script"
        hint="Runs once, as root; its log shows here while it runs"
        error={faults.script}
      >
        <TextArea
          id="script"
          value={order.script}
          onChange={(script) => set({ script })}
          placeholder={"#!/bin/sh\napt-get update"}
          rows={5}
          aria-invalid={faults.script !== undefined}
          aria-describedby="script-hint"
        />
      </Field>
    </Part>
  );
}
