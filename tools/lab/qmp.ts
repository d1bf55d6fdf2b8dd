/** QEMU's monitor protocol over its Unix socket: one connection for each command. */

/** QEMU answers at once or not at all. */
const DEADLINE_MS = 20_000;
const REPLY_BYTES_MAX = 1024 * 1024;

type Reply = Readonly<Record<string, unknown>>;

/**
 * Runs one command and gives its `return` value.
 * @throws {Error} when QEMU refuses it, is gone, or does not answer within 20 s.
 */
export async function runQmp(
  socket: string,
  command: string,
  commandArguments: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  const timer = setTimeout(() => connection.close(), DEADLINE_MS);
  try {
    const replies = repliesOf(connection);
    await replies.next();
    await ask(connection, replies, { execute: "qmp_capabilities" });
    return await ask(connection, replies, { execute: command, arguments: commandArguments });
  } catch (error) {
    throw new Error(`Cannot run ${command} in QEMU at ${socket}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  connection: Deno.Conn,
  replies: AsyncGenerator<Reply>,
  request: unknown,
): Promise<unknown> {
  await writeAll(connection, new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  for await (const reply of { [Symbol.asyncIterator]: () => unfinished(replies) }) {
    if ("error" in reply) throw new Error(JSON.stringify(reply["error"]));
    if ("return" in reply) return reply["return"];
  }
  throw new Error("the connection ended without a reply");
}

/** The same generator, which a loop that is left early does not end. */
function unfinished(replies: AsyncGenerator<Reply>): AsyncIterator<Reply> {
  return { next: () => replies.next() };
}

async function* repliesOf(connection: Deno.Conn): AsyncGenerator<Reply> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (let count = await connection.read(buffer); count !== null;) {
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    if (text.length > REPLY_BYTES_MAX) throw new Error("a reply of more than a mebibyte");
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Reply;
    count = await connection.read(buffer);
  }
}

/** Writes all of `bytes`. @throws {Error} when the other side is gone. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
