/** Automatic persisted queries of several processes, on their way between them. */
import { expect, test } from '@jest/globals'
import { automaticOperations, sha256 } from '../../gateway/operations/automatic-operations.ts'
import { registeredTextsOfWorkers } from '../../gateway/process/operations/registered-texts.ts'
import type { RegisteredText } from '../../gateway/process/operations/registered-texts.ts'

test('at most 1 MB is on its way from a worker; what does not fit is left out', async () => {
  const sent: string[] = []
  const onArrival: (() => void)[] = []
  const texts = registeredTextsOfWorkers((_name, ...[registered]) => {
    sent.push(registered!.hash)
    return new Promise<never>((resolve) => onArrival.push(resolve as () => void))
  })
  const text = 'a'.repeat(100 * 1024)
  const publish = (count: number) => {
    for (let n = 0; n < count; n++) texts.publish({ hash: `${sent.length}`, text })
  }
  publish(20)
  expect(sent).toHaveLength(10)
  onArrival.splice(0, 3).forEach((arrive) => arrive())
  await new Promise((resolve) => setImmediate(resolve))
  publish(20)
  expect(sent).toHaveLength(13)
})

test('a text that a call cannot carry takes no room', async () => {
  const texts = registeredTextsOfWorkers(() => Promise.reject(new Error('the channel is closed')))
  const received: RegisteredText[] = []
  const stop = texts.subscribe((registered) => received.push(registered))
  texts.publish({ hash: '1', text: 'a' })
  texts.receive({ hash: '2', text: 'b' })
  stop()
  texts.receive({ hash: '3', text: 'c' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(received).toEqual([{ hash: '2', text: 'b' }])
})

test('a text that another process reports under a hash that is not its own is not executed', () => {
  const operations = automaticOperations({ memory: 10_000, ttl: 60_000, registeredBy: 'anyone' })
  const [asked, other] = ['{ mine }', '{ theirs }']
  operations.add(sha256(asked), other)
  expect(operations.textOf(sha256(asked))).toBeUndefined()
  operations.add(sha256(asked), asked)
  expect(operations.textOf(sha256(asked))).toBe(asked)
})
