import type { Driver, Listed, ProviderRequest, ProviderView } from "@provost/contract";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, SelectInput, TextInput } from "../ui/field.tsx";
import { FormDialog } from "../ui/form-dialog.tsx";
import { toastDone } from "../ui/toasts.tsx";

type Values = Record<string, string>;

/** The driver says what it takes; its credentials are tried once and then sealed. */
export function AddProviderDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState("");
  const [values, setValues] = useState<Values>({});
  const { data: drivers = [], error } = useQuery({
    queryKey: ["drivers"],
    queryFn: async ({ signal }) => (await api.get<Listed<Driver>>("drivers", { signal })).items,
    staleTime: Infinity,
  });
  const driver = drivers.find((each) => each.name === chosen) ?? drivers[0];
  const add = useMutation({
    mutationFn: () => api.post<ProviderView>("providers", requestOf(name, driver?.name ?? "", values)),
    onSuccess: async (provider) => {
      toastDone(`${provider.name} is set up`, "Its credentials were tried, and work.");
      onClose();
      await queryClient.invalidateQueries({ queryKey: ["providers"] });
      await queryClient.invalidateQueries({ queryKey: ["system"] });
    },
  });
  return (
    <FormDialog
      title="Add a provider"
      description="Its credentials are tried once, then sealed; they are never shown again."
      action="Add"
      onClose={onClose}
      onSubmit={() => add.mutate()}
      incomplete={name.trim() === ""}
      busy={add.isPending}
      error={add.error}
    >
      {error !== null && <ErrorNote error={error} />}
      <Field label="Name" htmlFor="provider-name">
        <TextInput
          id="provider-name"
          value={name}
          onChange={setName}
          placeholder="linode"
          autoComplete="off"
          autoFocus
        />
      </Field>
      <Field label="Driver" htmlFor="provider-driver">
        <SelectInput
          id="provider-driver"
          value={driver?.name ?? ""}
          onChange={(next) => {
            setChosen(next);
            setValues({});
          }}
          options={drivers.map(({ name: value, title }) => ({ value, label: title }))}
        />
      </Field>
      {driver?.options.map((option) => (
        <Field
          key={option.name}
          label={`${option.name.replace("options.", "")}${option.required ? "" : " (optional)"}`}
          htmlFor={`option-${option.name}`}
          hint={option.description}
        >
          <TextInput
            id={`option-${option.name}`}
            type={option.secret ? "password" : "text"}
            value={values[option.name] ?? ""}
            onChange={(value) => setValues({ ...values, [option.name]: value })}
            required={option.required}
            autoComplete="off"
            aria-describedby={`option-${option.name}-hint`}
          />
        </Field>
      ))}
    </FormDialog>
  );
}

/** `options.x` are the driver's own; endpoint and token stand beside them. */
function requestOf(name: string, driver: string, values: Values): ProviderRequest {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  const own = given.filter(([key]) => key.startsWith("options."));
  return {
    name: name.trim(),
    driver,
    ...Object.fromEntries(given.filter(([key]) => !key.startsWith("options."))),
    options: Object.fromEntries(own.map(([key, value]) => [key.slice("options.".length), value])),
  };
}
