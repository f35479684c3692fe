import pytest
from django.db import connection
def test_a():
    assert 1
@pytest.mark.django_db
def test_db():
    with connection.cursor() as c:
        c.execute("select current_database(), current_user, version()")
        print(c.fetchone())
@pytest.mark.django_db(transaction=True)
def test_dbt(valkey):
    from django.contrib.auth.models import Group
    Group.objects.create(name="x")
    print(valkey.url())
@pytest.mark.django_db(transaction=True)
def test_dbt2():
    from django.contrib.auth.models import Group
    assert Group.objects.count()==0
