/** GATEWAY_SECRET: from each of its secrets the subgraphs' claims keys are derived. */

/** What keys are derived from has at least their length, in bytes. */
const leastLength = 32

/** Returns the secrets; during a rotation two, with a comma between, the one to sign with first. */
export function gatewaySecrets(text: string): string[] {
  return text.split(',').map((secret) => secret.trim())
}

/** Returns what is wrong with them, or undefined. */
export function problemOfSecrets(text: string): string | undefined {
  const isShort = gatewaySecrets(text).some((secret) => Buffer.byteLength(secret) < leastLength)
  return isShort
    ? `GATEWAY_SECRET has a secret that is shorter than ${leastLength} bytes`
    : undefined
}
