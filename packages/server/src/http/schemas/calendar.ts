import { Type, type Static } from 'typebox'
import { Instant } from './shared.js'

const definition = {
  description: Type.Optional(Type.String({ maxLength: 1000 })),
  dates: Type.Optional(
    Type.Array(Type.String(), { description: 'Single dates.', examples: [['2026-12-25']] }),
  ),
  weekdays: Type.Optional(
    Type.Array(Type.String(), { description: 'Of every week.', examples: [['SAT', 'SUN']] }),
  ),
  ranges: Type.Optional(
    Type.Array(Type.Object({ from: Type.String(), to: Type.String() }), {
      description: 'Dates from one to another, both included.',
      examples: [[{ from: '2026-08-01', to: '2026-08-15' }]],
    }),
  ),
  yearly: Type.Optional(
    Type.Array(Type.String(), { description: 'Days of every year.', examples: [['12-25', '01-01']] }),
  ),
}

const name = Type.String({
  maxLength: 128,
  description: 'Letters, digits, `.`, `_`, `:` and `-`, beginning with a letter or a digit.',
  examples: ['holidays-de'],
})

export const CalendarInputSchema = Type.Object(
  { name: Type.Optional(name), ...definition },
  {
    $id: 'CalendarInput',
    additionalProperties: false,
    description:
      'Days that triggers refer to by one name. All fields together: a day belongs when any names it.',
    examples: [{ description: 'Public holidays', yearly: ['01-01', '12-25'], dates: ['2026-04-03'] }],
  },
)

export const CalendarSchema = Type.Object(
  {
    name,
    ...definition,
    revision: Type.Integer({ description: 'Rises with every change, not always by one. It is the ETag.' }),
    createdAt: Instant,
    updatedAt: Instant,
  },
  {
    $id: 'Calendar',
    additionalProperties: false,
    description: 'A named calendar: days that many schedules share.',
  },
)

export type CalendarJson = Static<typeof CalendarSchema>
