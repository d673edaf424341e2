/** GATEWAY_SECRET: the claims keys of the subgraphs are derived from each of its secrets. */
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** A secret is at least as long as the keys derived from it, in bytes. */
const leastLength = 32

/** Returns the secrets: one, or two during a rotation, separated by a comma. The first one signs. */
export function gatewaySecrets(text: string): string[] {
  return text.split(',').map((secret) => secret.trim())
}

/** Returns the secrets; throws a StartFailure if one is too short. */
export function checkedSecrets(text: string): string[] {
  const problem = problemOfSecrets(text)
  if (problem !== undefined) throw new StartFailure(problem)
  return gatewaySecrets(text)
}

/** Returns the problem with the secrets, or undefined. */
export function problemOfSecrets(text: string): string | undefined {
  const isShort = gatewaySecrets(text).some((secret) => Buffer.byteLength(secret) < leastLength)
  return isShort
    ? `GATEWAY_SECRET has a secret that is shorter than ${leastLength} bytes`
    : undefined
}
