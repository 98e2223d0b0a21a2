// SPDX-License-Identifier: Apache-2.0
// Questions to a platform about many guests or hosts, a few at a time.

/** So many are asked about at the same time. */
const AT_ONCE = 8;

/** Works on all items, on eight of them at a time. Rejects with the first fault, while what has begun goes on. */
export async function eachOf<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
