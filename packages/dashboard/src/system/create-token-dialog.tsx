import type { CreatedToken, TokenRequest } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, SelectInput, TextInput } from "../ui/field.tsx";
import { FormDialog } from "../ui/form-dialog.tsx";
import { Secret } from "../ui/secret.tsx";

type Role = TokenRequest["role"];

const roles: { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer – reads" },
  { value: "operator", label: "operator – deploys and destroys too" },
  { value: "admin", label: "admin – manages too" },
];
const spans = [
  { value: "7d", label: "in 7 days" },
  { value: "90d", label: "in 90 days" },
  { value: "365d", label: "in a year" },
  { value: "", label: "never" },
];

/** Makes a token and shows it, this once. */
export function CreateTokenDialog({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [expiresIn, setExpiresIn] = useState("90d");
  const make = useMutation({
    mutationFn: () =>
      api.post<CreatedToken>("tokens", {
        name: name.trim(),
        role,
        ...(expiresIn === "" ? {} : { expiresIn }),
      } satisfies TokenRequest),
    onSuccess: onMade,
  });
  if (make.data !== undefined) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`Token ${make.data.name}`}
        footer={<Button onClick={onClose}>I have kept it</Button>}
      >
        <Secret text={make.data.token} label="the token" />
      </Dialog>
    );
  }
  return (
    <FormDialog
      title="Make a token"
      action="Make it"
      onClose={onClose}
      onSubmit={() => make.mutate()}
      incomplete={name.trim() === ""}
      busy={make.isPending}
      error={make.error}
    >
      <Field label="Name" htmlFor="token-name" hint="Whom or what it is for: it stands in the audit log">
        <TextInput
          id="token-name"
          value={name}
          onChange={setName}
          autoComplete="off"
          autoFocus
          aria-describedby="token-name-hint"
        />
      </Field>
      <Field label="Role" htmlFor="token-role">
        <SelectInput
          id="token-role"
          value={role}
          onChange={(next) => setRole(roles.find(({ value }) => value === next)?.value ?? "viewer")}
          options={roles}
        />
      </Field>
      <Field label="Ends" htmlFor="token-ends">
        <SelectInput id="token-ends" value={expiresIn} onChange={setExpiresIn} options={spans} />
      </Field>
    </FormDialog>
  );
}
