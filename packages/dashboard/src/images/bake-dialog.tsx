import type { BakeRequest, ImageView } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { nameRule, type Order } from "../deploy/order.ts";
import { useOrder } from "../deploy/use-order.ts";
import { Field, SelectInput, TextArea, TextInput } from "../ui/field.tsx";
import { FormDialog } from "../ui/form-dialog.tsx";
import { toastDone } from "../ui/toast-store.ts";

interface BakeDialogProps {
  onClose: () => void;
  onBaking: () => void;
}

export function BakeDialog({ onClose, onBaking }: BakeDialogProps) {
  const { order, set, providers = [], catalog } = useOrder({});
  const [base, setBase] = useState("");
  const [recipe, setRecipe] = useState(true);
  const bake = useMutation({
    mutationFn: () => api.post<ImageView>("images", requestOf(order, base, recipe)),
    onSuccess: ({ name }) => {
      toastDone(`Baking ${name}`, "Builder, script, snapshot; then the builder goes.");
      onBaking();
      onClose();
    },
  });
  const images = [
    { value: "", label: "The newest public Debian" },
    ...(catalog?.images ?? []).map(({ id, label }) => ({ value: id, label })),
  ];
  return (
    <FormDialog
      title="Bake an image"
      description="A builder runs recipe and script; its disk becomes the image, and the builder goes."
      action="Bake"
      onClose={onClose}
      onSubmit={() => bake.mutate()}
      incomplete={order.name.trim() === ""}
      busy={bake.isPending}
      error={bake.error}
    >
      <Field label="Name" htmlFor="bake-name" hint={nameRule}>
        <TextInput
          id="bake-name"
          value={order.name}
          onChange={(name) => set({ name })}
          autoFocus
          aria-describedby="bake-name-hint"
        />
      </Field>
      <Field label="Provider" htmlFor="bake-provider">
        <SelectInput
          id="bake-provider"
          value={order.provider}
          onChange={(provider) => set({ provider })}
          options={providers.map(({ name }) => ({ value: name, label: name }))}
        />
      </Field>
      <Field label="Made from" htmlFor="bake-image">
        <SelectInput id="bake-image" value={base} onChange={setBase} options={images} />
      </Field>
      <Field
        label="Script"
        htmlFor="bake-script"
        hint="Runs as root after the recipe; begins with its interpreter line"
      >
        <TextArea
          id="bake-script"
          value={order.script}
          onChange={(script) => set({ script })}
          placeholder={"#!/bin/sh\napt-get install -y nginx"}
          rows={5}
          aria-describedby="bake-script-hint"
        />
      </Field>
      <label className="flex items-center gap-2">
        <input type="checkbox" className="size-4 accent-accent" checked={recipe} onChange={() => setRecipe(!recipe)} />
        Provost&apos;s own recipe first: the first-boot service, Incus, no openssh-server
      </label>
    </FormDialog>
  );
}

function requestOf({ name, provider, script }: Order, base: string, recipe: boolean): BakeRequest {
  return {
    name: name.trim(),
    provider,
    recipe,
    ...(base === "" ? {} : { image: base }),
    ...(script.trim() === "" ? {} : { script }),
  };
}
