import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Ears } from "./ears.ts";
import { isReadonlyRefusal, readonlyErrcode, toWire } from "./errors.ts";
import { hostSignMs, otherHost, signHost } from "./host.ts";
import { Notifier } from "./notifier.ts";
import { openReader, openWriter } from "./open.ts";
import { execute } from "./operations/dispatch.ts";
import type { FromThread, Listening, Reply, Request, ThreadData, ToThread } from "./protocol.ts";
import type { Session } from "./session.ts";
import { Writer } from "./writer.ts";

/** The entry of both threads: the writer, and the reader beside it. */
interface Role {
  accept(requests: Request[]): void;
  listen(listening: Listening): void;
  close(): void;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by `channel.ts`
const data = workerData as ThreadData;

function writerRole(post: (message: FromThread) => void): Role {
  const session = openWriter(data);
  const ears = new Ears(session);
  const writer = new Writer(session, data, ears, post);
  const notifier = new Notifier({
    session,
    writer,
    ears,
    pollMs: data.pollMs,
    hint: (ready) => post({ replies: [], ready }),
  });
  const signing = setInterval(() => {
    if (!writer.isFree) return;
    try {
      if (signHost(session, data.host)) writer.poison(otherHost(data.path, "another machine"));
    } catch {
      // Busy or out of space: the operations themselves report that; the next signature is soon.
    }
  }, hostSignMs);
  return {
    accept: (requests) => writer.accept(requests),
    listen: (listening) => notifier.listen(listening),
    close: () => {
      clearInterval(signing);
      notifier.listen({ on: false });
      ears.close();
      session.db.close();
    },
  };
}

/** Opens at the first question: the thread can start while the writer still makes the file. */
function readerRole(post: (message: FromThread) => void): Role {
  let session: Session | undefined;
  const answer = (request: Request): Reply => {
    try {
      session ??= openReader(data);
      return { id: request.id, value: execute(session, request) };
    } catch (error) {
      // Told as it is: a statement that turns out to write is then given to the writer.
      if (isReadonlyRefusal(error))
        return { id: request.id, error: { errcode: readonlyErrcode, message: "read-only" } };
      return { id: request.id, error: toWire(error, data.path) };
    }
  };
  return {
    accept: (requests) => post({ replies: requests.map(answer), ready: [] }),
    listen: () => undefined,
    close: () => session?.db.close(),
  };
}

function serve(port: MessagePort): void {
  const post = (message: FromThread): void => port.postMessage(message);
  const role = data.role === "writer" ? writerRole(post) : readerRole(post);
  port.on("message", (first: ToThread) => {
    let requests: Request[] = [];
    let message: ToThread | undefined = first;
    // Everything that has arrived meanwhile goes into the same commit.
    while (message !== undefined) {
      if ("requests" in message)
        requests = requests.length === 0 ? message.requests : [...requests, ...message.requests];
      else if ("listen" in message) role.listen(message.listen);
      else {
        role.accept(requests);
        role.close();
        port.close();
        return;
      }
      message = receiveMessageOnPort(port)?.message;
    }
    if (requests.length > 0) role.accept(requests);
  });
  post({ started: true });
}

if (parentPort !== null) {
  try {
    serve(parentPort);
  } catch (error) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
    parentPort.postMessage({ refused: toWire(error, data.path) } satisfies FromThread);
    parentPort.close();
  }
}
