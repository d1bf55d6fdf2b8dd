/** The address of a CSI server: a Unix socket, and nothing else. */
import { StorageError } from "../../domain/errors.ts";

/**
 * The kernel's socket address has room for 107 bytes; eight of them are kept free, because the
 * socket is bound under another name in the same directory first (socket_file.ts).
 */
const MAX_SOCKET_PATH_BYTES = 99;

/**
 * The path of the socket that `endpoint` names, written as `unix:///path` or as `/path`.
 * @throws {StorageError} `invalid` for anything else, with the value and what to write instead.
 */
export function parseEndpoint(endpoint: string): string {
  const path = /^unix:\/\/(\/.*)$/s.exec(endpoint)?.[1] ?? endpoint;
  if (!path.startsWith("/")) throw refusal(endpoint, remedy(endpoint));
  if (/\p{Cc}/u.test(path)) {
    throw refusal(endpoint, "control characters are not allowed");
  }
  if (path.endsWith("/") || path.split("/").some((part) => part === "." || part === "..")) {
    throw refusal(endpoint, "it must name a socket file, without . or .. in its path");
  }
  const bytes = new TextEncoder().encode(path).byteLength;
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw refusal(
      endpoint,
      `its path has ${bytes} bytes, and at most ${MAX_SOCKET_PATH_BYTES} are possible`,
    );
  }
  return path;
}

function remedy(endpoint: string): string {
  const example = "write unix:///run/csi/csi.sock or /run/csi/csi.sock";
  if (endpoint === "") return `it is empty; ${example}`;
  if (/^(tcp|http|https|dns|ipv4|ipv6):/i.test(endpoint) || /^[^/]*:\d+$/.test(endpoint)) {
    return `CSI has no authentication, so it is served on a Unix socket only; ${example}`;
  }
  return `it is not an absolute path; ${example}`;
}

function refusal(endpoint: string, finding: string): StorageError {
  return new StorageError("invalid", `Cannot use the endpoint "${endpoint}": ${finding}`);
}
