/** Compares the engines where @apollo/gateway is known to be wrong. */
import { afterAll, expect } from '@jest/globals'
import type { Federation } from './federations.ts'
import { needlessFields } from './needless-fields.ts'
import { operation, twoEngines } from './two-engines.ts'
import type { TwoEngines } from './two-engines.ts'

const running = new Map<Federation, Promise<TwoEngines>>()

afterAll(async () => {
  for (const engines of running.values()) await (await engines).stop()
})

/** Returns the engines of a federation, which is composed once. They stop after the last test. */
export function enginesOf(one: Federation): Promise<TwoEngines> {
  const engines = running.get(one) ?? twoEngines(one)
  running.set(one, engines)
  return engines
}

/** Asserts that the native engine is right; returns what it did. */
export async function nativeIsRight(
  one: Federation,
  text: string,
  variables: Record<string, unknown> = {},
) {
  const { native, truth, inputs } = await enginesOf(one)
  const asked = operation(text, variables)
  const [own, right] = await Promise.all([native(asked), truth(asked)])
  expect(own).toMatchObject({ data: right.data, errors: right.errors })
  expect(needlessFields(own, asked, inputs)).toEqual([])
  return own
}

/** Asserts that the native engine is right and @apollo/gateway is not. */
export async function onlyNativeIsRight(
  one: Federation,
  text: string,
  variables: Record<string, unknown> = {},
): Promise<void> {
  await nativeIsRight(one, text, variables)
  const { apollo, truth } = await enginesOf(one)
  const asked = operation(text, variables)
  const [other, right] = await Promise.all([apollo(asked), truth(asked)])
  expect({ ...other, calls: [] }).not.toMatchObject({ data: right.data, errors: right.errors })
}
