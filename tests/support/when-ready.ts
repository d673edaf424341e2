import { until } from './until.ts'

/**
 * Resolves once balancers would choose the process. On a busy machine, the first attempt to get an
 * issuer's keys may take too long: whoever has a token is refused until the next one.
 */
export async function whenReady(origin: string): Promise<void> {
  await until(async () => (await fetch(new URL('/ready', origin))).status === 200)
}
