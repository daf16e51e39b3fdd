"""The Admin GraphQL API over plain dicts: validated by graphql-core once a document, answered by a compiled plan."""
