import type { Driver, Listed, ProviderRequest, ProviderView } from "@provost/contract";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, SelectInput, TextInput } from "../ui/field.tsx";
import { FormDialog } from "../ui/form-dialog.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { rereadProviders } from "./queries.ts";

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
      await rereadProviders();
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
        <OptionField
          key={option.name}
          option={option}
          value={values[option.name] ?? ""}
          onChange={(value) => setValues({ ...values, [option.name]: value })}
        />
      ))}
    </FormDialog>
  );
}

interface OptionFieldProps {
  option: Driver["options"][number];
  value: string;
  onChange: (value: string) => void;
}

function OptionField({ option: { name, required, secret, description }, value, onChange }: OptionFieldProps) {
  const id = `option-${name}`;
  return (
    <Field label={`${name.replace("options.", "")}${required ? "" : " (optional)"}`} htmlFor={id} hint={description}>
      <TextInput
        id={id}
        type={secret ? "password" : "text"}
        value={value}
        onChange={onChange}
        required={required}
        autoComplete="off"
        aria-describedby={`${id}-hint`}
      />
    </Field>
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
