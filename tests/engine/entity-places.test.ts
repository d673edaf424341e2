import { expect, test } from '@jest/globals'
import { entityPlaces } from '../../gateway/execution/entity-places.ts'
import type { FetchStep } from '../../gateway/execution/plan-steps.ts'

const fields = ['id']

/** As much of a fetch as a place needs. */
function fetchAt(...path: string[]): FetchStep {
  const represent = { write: () => undefined, fieldsOf: () => fields }
  return { path, place: path.join('.'), represent } as unknown as FetchStep
}

test('equal entities at a place are one object from the first fetch on', () => {
  const data = { list: [{ id: '1' }, { id: '2' }, { id: '1' }] }
  const places = entityPlaces(data, true)
  expect(places.entitiesFor(fetchAt('list', '@'))).toEqual([{ id: '1' }, { id: '2' }])
  expect(data.list[2]).toBe(data.list[0])
  expect([...places.shared]).toEqual([data.list[0]])
})

test('entities with different contexts stay separate', () => {
  const data = { list: [{ id: '1' }, { id: '1' }] }
  expect(entityPlaces(data, false).entitiesFor(fetchAt('list', '@'))).toHaveLength(2)
  expect(data.list[1]).not.toBe(data.list[0])
})

test.each([
  ['above', fetchAt('owner')],
  ['at the root', fetchAt()],
])('entities that a fetch %s has brought meanwhile are found', (_, brought) => {
  const data: { owner: { pet: object | null } } = { owner: { pet: null } }
  const places = entityPlaces(data, true)
  const pets = fetchAt('owner', 'pet')
  expect(places.entitiesFor(pets)).toEqual([])
  data.owner.pet = { id: '1' }
  places.changeBelow(brought)
  expect(places.entitiesFor(pets)).toEqual([{ id: '1' }])
})

test('entities that came after the first fetch for a place stay objects of their own', () => {
  const data = { list: [{ id: '1' }] }
  const places = entityPlaces(data, true)
  const step = fetchAt('list', '@')
  places.entitiesFor(step)
  data.list.push({ id: '1' })
  places.changeBelow(fetchAt())
  expect(places.entitiesFor(step)).toHaveLength(2)
  expect(data.list[1]).not.toBe(data.list[0])
})
