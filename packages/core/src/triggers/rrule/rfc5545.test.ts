import { describe, expect, test } from 'vitest'
import { fires } from '../fires.js'
import { compileTrigger } from '../registry.js'
import { wallTime, zoneOf } from '../zone.js'
import { rrule } from './index.js'

const NEW_YORK = zoneOf('America/New_York')

/** `1997-09 2,4` are the 2nd and the 4th at 09:00; `1997-09-02 09:00,12:00` are times of one day. A range is `2..5`. */
function times(text: string): string[] {
  return text.split('; ').flatMap((part) => {
    const [month, list] = part.split(' ') as [string, string]
    return list.split(',').flatMap((each) => {
      if (each.includes(':')) return [`${month}T${each}`]
      const [from, to] = each.split('..').map(Number) as [number, number | undefined]
      const days = Array.from({ length: (to ?? from) - from + 1 }, (_, i) =>
        String(from + i).padStart(2, '0'),
      )
      return days.map((day) => `${month}-${day}T09:00`)
    })
  })
}

const everyYear = (years: readonly number[], months: string): string =>
  years.flatMap((year) => months.split('; ').map((month) => `${year}-${month}`)).join('; ')

type Example = readonly [rule: string, dtstart: string, expected: string, ends: 'ends' | 'goes on']

// RFC 5545, section 3.8.5.3, in its order. All in America/New_York, at 09:00 unless said otherwise.
const EXAMPLES: readonly Example[] = [
  ['FREQ=DAILY;COUNT=10', '1997-09-02', '1997-09 2..11', 'ends'],
  [
    'FREQ=DAILY;UNTIL=19971224T000000Z',
    '1997-09-02',
    '1997-09 2..30; 1997-10 1..31; 1997-11 1..30; 1997-12 1..23',
    'ends',
  ],
  [
    'FREQ=DAILY;INTERVAL=2',
    '1997-09-02',
    '1997-09 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30; 1997-10 2,4,6',
    'goes on',
  ],
  ['FREQ=DAILY;INTERVAL=10;COUNT=5', '1997-09-02', '1997-09 2,12,22; 1997-10 2,12', 'ends'],
  [
    'FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA',
    '1998-01-01',
    '1998-01 1..31; 1999-01 1..31; 2000-01 1..31',
    'ends',
  ],
  [
    'FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1',
    '1998-01-01',
    '1998-01 1..31; 1999-01 1..31; 2000-01 1..31',
    'ends',
  ],
  ['FREQ=WEEKLY;COUNT=10', '1997-09-02', '1997-09 2,9,16,23,30; 1997-10 7,14,21,28; 1997-11 4', 'ends'],
  [
    'FREQ=WEEKLY;UNTIL=19971224T000000Z',
    '1997-09-02',
    '1997-09 2,9,16,23,30; 1997-10 7,14,21,28; 1997-11 4,11,18,25; 1997-12 2,9,16,23',
    'ends',
  ],
  [
    'FREQ=WEEKLY;INTERVAL=2;WKST=SU',
    '1997-09-02',
    '1997-09 2,16,30; 1997-10 14,28; 1997-11 11,25; 1997-12 9,23; 1998-01 6,20; 1998-02 3,17',
    'goes on',
  ],
  [
    'FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH',
    '1997-09-02',
    '1997-09 2,4,9,11,16,18,23,25,30; 1997-10 2',
    'ends',
  ],
  [
    'FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH',
    '1997-09-02',
    '1997-09 2,4,9,11,16,18,23,25,30; 1997-10 2',
    'ends',
  ],
  [
    'FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR',
    '1997-09-01',
    '1997-09 1,3,5,15,17,19,29; 1997-10 1,3,13,15,17,27,29,31; 1997-11 10,12,14,24,26,28; 1997-12 8,10,12,22',
    'ends',
  ],
  [
    'FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH',
    '1997-09-02',
    '1997-09 2,4,16,18,30; 1997-10 2,14,16',
    'ends',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYDAY=1FR',
    '1997-09-05',
    '1997-09 5; 1997-10 3; 1997-11 7; 1997-12 5; 1998-01 2; 1998-02 6; 1998-03 6; 1998-04 3; 1998-05 1; 1998-06 5',
    'ends',
  ],
  [
    'FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR',
    '1997-09-05',
    '1997-09 5; 1997-10 3; 1997-11 7; 1997-12 5',
    'ends',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU',
    '1997-09-07',
    '1997-09 7,28; 1997-11 2,30; 1998-01 4,25; 1998-03 1,29; 1998-05 3,31',
    'ends',
  ],
  [
    'FREQ=MONTHLY;COUNT=6;BYDAY=-2MO',
    '1997-09-22',
    '1997-09 22; 1997-10 20; 1997-11 17; 1997-12 22; 1998-01 19; 1998-02 16',
    'ends',
  ],
  [
    'FREQ=MONTHLY;BYMONTHDAY=-3',
    '1997-09-28',
    '1997-09 28; 1997-10 29; 1997-11 28; 1997-12 29; 1998-01 29; 1998-02 26',
    'goes on',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15',
    '1997-09-02',
    '1997-09 2,15; 1997-10 2,15; 1997-11 2,15; 1997-12 2,15; 1998-01 2,15',
    'ends',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1',
    '1997-09-30',
    '1997-09 30; 1997-10 1,31; 1997-11 1,30; 1997-12 1,31; 1998-01 1,31; 1998-02 1',
    'ends',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15',
    '1997-09-10',
    '1997-09 10..15; 1999-03 10..13',
    'ends',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=2;BYDAY=TU',
    '1997-09-02',
    '1997-09 2,9,16,23,30; 1997-11 4,11,18,25; 1998-01 6,13,20,27; 1998-03 3,10,17,24,31',
    'goes on',
  ],
  [
    'FREQ=YEARLY;COUNT=10;BYMONTH=6,7',
    '1997-06-10',
    everyYear([1997, 1998, 1999, 2000, 2001], '06 10; 07 10'),
    'ends',
  ],
  [
    'FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3',
    '1997-03-10',
    `1997-03 10; ${everyYear([1999, 2001, 2003], '01 10; 02 10; 03 10')}`,
    'ends',
  ],
  [
    'FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200',
    '1997-01-01',
    '1997-01 1; 1997-04 10; 1997-07 19; 2000-01 1; 2000-04 9; 2000-07 18; 2003-01 1; 2003-04 10; 2003-07 19; 2006-01 1',
    'ends',
  ],
  ['FREQ=YEARLY;BYDAY=20MO', '1997-05-19', '1997-05 19; 1998-05 18; 1999-05 17', 'goes on'],
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '1997-05-12', '1997-05 12; 1998-05 11; 1999-05 17', 'goes on'],
  [
    'FREQ=YEARLY;BYMONTH=3;BYDAY=TH',
    '1997-03-13',
    '1997-03 13,20,27; 1998-03 5,12,19,26; 1999-03 4,11,18,25',
    'goes on',
  ],
  [
    'FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8',
    '1997-06-05',
    '1997-06 5,12,19,26; 1997-07 3,10,17,24,31; 1997-08 7,14,21,28; 1998-06 4,11,18,25; 1998-07 2,9,16,23,30; 1998-08 6,13,20,27; 1999-06 3,10,17,24; 1999-07 1,8,15,22,29; 1999-08 5,12,19,26',
    'goes on',
  ],
  [
    'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
    '1997-09-02',
    '1998-02 13; 1998-03 13; 1998-11 13; 1999-08 13; 2000-10 13',
    'goes on',
  ],
  [
    'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13',
    '1997-09-13',
    '1997-09 13; 1997-10 11; 1997-11 8; 1997-12 13; 1998-01 10; 1998-02 7; 1998-03 7; 1998-04 11; 1998-05 9; 1998-06 13',
    'goes on',
  ],
  [
    'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
    '1996-11-05',
    '1996-11 5; 2000-11 7; 2004-11 2',
    'goes on',
  ],
  ['FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', '1997-09-04', '1997-09 4; 1997-10 7; 1997-11 6', 'ends'],
  [
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2',
    '1997-09-29',
    '1997-09 29; 1997-10 30; 1997-11 27; 1997-12 30; 1998-01 29; 1998-02 26; 1998-03 30',
    'goes on',
  ],
  // The RFC lists 15:00 too, but its UNTIL is 13:00 in New York: it meant 21:00 UTC.
  ['FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z', '1997-09-02', '1997-09-02 09:00,12:00', 'ends'],
  ['FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z', '1997-09-02', '1997-09-02 09:00,12:00,15:00', 'ends'],
  [
    'FREQ=MINUTELY;INTERVAL=15;COUNT=6',
    '1997-09-02',
    '1997-09-02 09:00,09:15,09:30,09:45,10:00,10:15',
    'ends',
  ],
  ['FREQ=MINUTELY;INTERVAL=90;COUNT=4', '1997-09-02', '1997-09-02 09:00,10:30,12:00,13:30', 'ends'],
  [
    'FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40',
    '1997-09-02',
    everyTwentyMinutes(['02', '03']),
    'goes on',
  ],
  [
    'FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16',
    '1997-09-02',
    everyTwentyMinutes(['02', '03']),
    'goes on',
  ],
  ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', '1997-08-05', '1997-08 5,10,19,24', 'ends'],
  ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', '1997-08-05', '1997-08 5,17,19,31', 'ends'],
  ['FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5', '2007-01-15', '2007-01 15,30; 2007-02 15; 2007-03 15,30', 'ends'],
]

function everyTwentyMinutes(days: readonly string[]): string {
  const hours = ['09', '10', '11', '12', '13', '14', '15', '16']
  const list = hours.flatMap((hour) => ['00', '20', '40'].map((minute) => `${hour}:${minute}`)).join(',')
  return days.map((day) => `1997-09-${day} ${list}`).join('; ')
}

const localTime = (at: number): string => wallTime(at, NEW_YORK).slice(0, 16)

describe('an example of RFC 5545', () => {
  test.each(EXAMPLES)('%s from %s fires as it says there', (rule, dtstart, text, ends) => {
    const trigger = compileTrigger(
      rrule(rule, {
        dtstart: `${dtstart}T09:00`,
        timezone: 'America/New_York',
        // That example leaves out its own DTSTART, which the rule does not name.
        ...(rule.endsWith('BYMONTHDAY=13') ? { exdates: ['1997-09-02T09:00'] } : {}),
      }),
    )
    const expected = times(text)
    const found = [...fires(trigger, { after: 0, count: expected.length })]
    expect(found.map(localTime)).toEqual(expected)
    expect(trigger.next(found.at(-1)!) === null).toBe(ends === 'ends')
    const backwards = []
    for (let at = trigger.previous(found.at(-1)! + 1); at !== null; at = trigger.previous(at))
      backwards.unshift(at)
    expect(backwards).toEqual(found)
  })

  test('keeps 09:00 on the wall when daylight saving time ends', () => {
    const trigger = compileTrigger(
      rrule('FREQ=DAILY;UNTIL=19971224T000000Z', {
        dtstart: '1997-09-02T09:00',
        timezone: 'America/New_York',
      }),
    )
    const after = Date.parse('1997-10-25T00:00:00Z')
    expect([...fires(trigger, { after, count: 3 })].map((at) => wallTime(at, NEW_YORK))).toEqual([
      '1997-10-25T09:00:00-04:00',
      '1997-10-26T09:00:00-05:00',
      '1997-10-27T09:00:00-05:00',
    ])
  })
})
