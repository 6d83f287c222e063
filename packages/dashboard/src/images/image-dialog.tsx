import type { ImageView } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Copyable } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Facts } from "../ui/facts.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";
import { ImageStatus } from "./image-status.tsx";

interface ImageDialogProps {
  image: ImageView;
  onClose: () => void;
  onChange: () => void;
}

/** One image: what it is made of, why it failed, and what can be done with it. */
export function ImageDialog({ image, onClose, onChange }: ImageDialogProps) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={image.name}
      wide
      footer={<ImageActions image={image} onChange={onChange} onClose={onClose} />}
    >
      <div className="flex flex-col gap-4">
        <ImageStatus image={image} />
        {image.failure !== undefined && (
          <section
            aria-label="Why it failed"
            className="rounded-lg border border-line border-l-2 border-l-bad bg-panel p-3"
          >
            <p className="font-medium">{image.failure.message}</p>
            <p>{image.failure.whatToDo}</p>
            {image.failure.providerMessage !== undefined && (
              <p className="text-muted">“{image.failure.providerMessage}”</p>
            )}
            {image.failure.log !== undefined && (
              <pre tabIndex={0} className="mt-2 max-h-48 overflow-auto font-mono text-xs whitespace-pre-wrap">
                {image.failure.log}
              </pre>
            )}
            <p className="font-mono text-xs text-muted">
              {image.failure.code} · {image.failure.step}
            </p>
          </section>
        )}
        <Facts
          items={[
            ["Provider", image.provider],
            ["Made from", image.base],
            ["Region", image.region],
            ["Builder's plan", image.type],
            ["Size", image.sizeMb === undefined ? "–" : `${Math.round(image.sizeMb)} MB`],
            ["Made", <RelativeTime key="made" at={image.availableAt ?? image.createdAt} />],
            [
              "At the provider",
              image.providerImageId === undefined ? (
                "–"
              ) : (
                <Copyable key="p" text={image.providerImageId} label="its id" />
              ),
            ],
            ["Recipe", <Copyable key="hash" text={image.recipeHash.slice(0, 12)} label="the recipe's hash" />],
            ["Id", <Copyable key="id" text={image.id} label="the id" />],
          ]}
        />
        <p>
          <Link to="/instances/$ref" params={{ ref: image.builderId }} className="text-accent-text underline">
            The bake&apos;s story and log
          </Link>{" "}
          <span className="text-muted">are those of the instance that it was made on.</span>
        </p>
      </div>
    </Dialog>
  );
}

function ImageActions({ image, onChange, onClose }: ImageDialogProps) {
  const [asked, setAsked] = useState(false);
  const mayDeploy = useMay("operator");
  const mayChoose = useMay("admin");
  const { name, id, status, provider, providerImageId } = image;
  const makeDefault = async (): Promise<void> => {
    try {
      await api.post(`images/${part(id)}/default`);
      toastDone(`${name} is the default of ${provider}`);
      onChange();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      {mayDeploy && status !== "deleted" && (
        <Button kind="danger" onClick={() => setAsked(true)}>
          {status === "baking" ? "End the bake" : "Delete"}
        </Button>
      )}
      {mayChoose && status === "available" && !image.default && (
        <Button onClick={() => void makeDefault()}>Make it the default</Button>
      )}
      {mayDeploy && status === "available" && (
        <Link
          to="/instances/deploy"
          search={{ provider, ...(providerImageId === undefined ? {} : { image: providerImageId }) }}
          className={buttonClass("primary")}
        >
          Deploy from it
        </Link>
      )}
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`Delete ${name}?`}
        action="Delete"
        danger
        typed={name}
        run={async () => {
          await api.delete(`images/${part(id)}`);
          toastDone(`${name} is deleted`);
          onChange();
          onClose();
        }}
      >
        <p>It is deleted at {provider} too. Instances that were made from it stay.</p>
      </Confirm>
    </>
  );
}
