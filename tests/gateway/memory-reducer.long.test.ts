/**
 * V8's memory reducer collects everything in a process at rest, and with it the optimized code of nearly every
 * function that serves. A process that serves has none: the gateway itself gives memory back.
 */
import { afterAll, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { servingOptions } from '../../gateway/process/memory-settings.ts'
import { until } from '../support/until.ts'

/** The heap grows, so that there is something to give back; then nothing happens. */
const growing = `
  const kept = []
  const grow = () => {
    for (let index = 0; index < 100_000; index++) kept.push({ index, text: 'x' + index })
    if (kept.length < 1_000_000) setTimeout(grow, 1)
    else console.log('grown')
  }
  grow()
  setInterval(() => kept.length, 1_000)`

const children: ChildProcess[] = []

afterAll(() => children.forEach((child) => child.kill()))

/** Starts a process that grows and rests; returns what tells of V8's collections in it so far. */
function resting(options: readonly string[]): () => string {
  const child = spawn(process.execPath, [...options, '--trace-gc', '-e', growing])
  children.push(child)
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()))
  return () => told
}

test('a process that serves keeps its optimized code while it is at rest', async () => {
  const ours = resting(servingOptions)
  // The other one is later, so that ours would be first to collect.
  await until(() => ours().includes('grown'))
  const others = resting(servingOptions.filter((option) => option !== '--no-memory-reducer'))
  await until(() => others().includes('Mark-Compact (reduce)'), { atMost: 150_000, pause: 100 })
  expect(ours()).toContain('Mark-Compact')
  expect(ours()).not.toContain('(reduce)')
}, 180_000)
