import { test } from '@jest/globals'
import { federation, media } from '../../engine/federations.ts'
import { onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

const prices = federation('prices', {
  products: `
    type Query { products: [Product] }
    type Product @key(fields: "upc") { upc: ID! name: String weight: Int price(currency: String): Float }
  `,
  shipping: `
    type Product @key(fields: "upc") {
      upc: ID!
      weight: Int @external
      shippingEstimate: String @requires(fields: "weight")
      plain: Int
    }
  `,
})

test('an alias may be the name of a field that @requires or @key needs', async () => {
  await onlyNativeIsRight(prices, '{ products { weight: name shippingEstimate } }')
  await onlyNativeIsRight(prices, '{ products { upc: name shippingEstimate } }')
})

test('one alias stands for different arguments on different types of an interface object', async () => {
  const text = '{ media { ... on Song { x: stars(outOf: 1) } ... on Book { x: stars(outOf: 2) } } }'
  await onlyNativeIsRight(media, text)
})
