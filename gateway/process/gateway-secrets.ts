/** GATEWAY_SECRET: the claims keys of the subgraphs are derived from each of its secrets. */

/** A secret is at least as long as the keys derived from it, in bytes. */
const leastLength = 32

/** Returns the secrets: one, or two during a rotation, separated by a comma. The first one signs. */
export function gatewaySecrets(text: string): string[] {
  return text.split(',').map((secret) => secret.trim())
}

/** Returns what is wrong with the secrets, or undefined. */
export function problemOfSecrets(text: string): string | undefined {
  const isShort = gatewaySecrets(text).some((secret) => Buffer.byteLength(secret) < leastLength)
  return isShort
    ? `GATEWAY_SECRET has a secret that is shorter than ${leastLength} bytes`
    : undefined
}
