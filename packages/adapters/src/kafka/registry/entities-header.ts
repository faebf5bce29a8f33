/** The names of all entities of a change, so that it is known whom it touches also where it cannot be read. */
export const entitiesHeader = "entities";
