// SPDX-License-Identifier: Apache-2.0
// How a module says what it gives and what that is made of, so that the compiler proves that the parts fit: a factory is
// given what its tokens stand for, in their order. Nest itself would take any function.

/** The name of what a module gives: its class, or a token for what has none. */
export type Token<T> = ClassToken<T> | NamedToken<T>;

/** A class, its constructor private or not; an abstract class stands for whatever keeps its contract. */
interface ClassToken<T> extends NewableFunction {
  readonly prototype: T;
}

declare const GIVES: unique symbol;
/** A symbol that remembers the type of what it stands for. */
type NamedToken<T> = symbol & { readonly [GIVES]?: T };

/** A token whose absence a factory can live with: it is then given undefined. */
interface OptionalToken<T> {
  readonly token: Token<T>;
  readonly optional: true;
}

/** What can be asked for. */
export type Wanted = Token<unknown> | OptionalToken<unknown>;

/** What tokens stand for, in their order. */
export type Given<D extends readonly Wanted[]> = {
  [I in keyof D]: D[I] extends OptionalToken<infer T>
    ? T | undefined
    : D[I] extends Token<infer T>
      ? T
      : never;
};

/** What a module hands to Nest: one thing, and how it is made. */
interface MadeProvider<T> {
  readonly provide: Token<T>;
  readonly inject: (Token<unknown> | { token: Token<unknown>; optional: boolean })[];
  readonly useFactory: (...given: never[]) => T | Promise<T>;
}

/** A token for what has no class. @param name for faults */
export function tokenFor<T>(name: string): NamedToken<T> {
  return Symbol(name);
}

/** Asks for something that not every program has. */
export function optional<T>(token: Token<T>): OptionalToken<T> {
  return { token, optional: true };
}

/**
 * One thing that a module gives.
 *
 * @param give its token
 * @param wanted the tokens of what it is made of
 * @param make makes it; called once in a process
 */
export function provider<T, const D extends readonly Wanted[]>(
  give: Token<T>,
  wanted: D,
  make: (...given: Given<D>) => T | Promise<T>,
): MadeProvider<T> {
  return { provide: give, inject: [...wanted], useFactory: make as MadeProvider<T>['useFactory'] };
}
